#pragma once

#include <functional>

#include "common/http/message.h"
#include "common/secret.h"
#include "common/thread_pool.h"

namespace vbs::http {

/// Turns a handler that blocks into one that may be called on the server's threads: `on_pool` with
/// some pool, or in a simulation a call on the spot.
using Offload = std::function<Handler(std::function<Response(const Request&)>)>;

/// Runs a handler that blocks on a pool; a full queue is answered 503 with Retry-After. The pool
/// must outlive the server.
Handler on_pool(ThreadPool& pool, std::function<Response(const Request&)> handler);
/// The same for whatever handler; the pool must outlive all of them.
Offload onto(ThreadPool& pool);

/// Lets only requests with "Authorization: Bearer <token>" through, others get 401. Compared in
/// constant time. `/healthz` paths are let through without.
Handler require_token(Secret token, Handler inner);

/// Lets only requests through that came over TLS with a certificate for `name`, others get 403.
Handler require_identity(std::string name, Handler inner);

}  // namespace vbs::http
