#pragma once

#include <optional>
#include <string>

#include "api/authenticator.h"
#include "common/http/message.h"
#include "db/database.h"

namespace vbs::api {

/// How long the request wants its answer to wait for the operation it is about (`Prefer: wait=N`,
/// RFC 7240), at most a minute; 0 where it says nothing of it.
Result<Milliseconds> preferred_wait(const http::Request& request);

/// The parts of a request that decide how it is carried out beside its body.
struct RequestTerms {
  std::string key;   ///< Idempotency-Key; "" where it has none
  std::string hash;  ///< SHA-256 of the whole request, where it has a key
  Milliseconds wait{0};
};

Result<RequestTerms> read_request_terms(const http::Request& request);

/// The operation an earlier request with the same key made, if any. idempotency_mismatch where
/// that was another request, not_found where the principal may no longer see the operation.
Result<std::optional<Uuid>> find_repeat(db::Connection& connection, const Principal& principal,
                                        const RequestTerms& terms);

}  // namespace vbs::api
