#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "common/http/message.h"
#include "common/http/tls.h"

namespace vbs::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;           ///< 0: any free one
  std::shared_ptr<TlsContext> tls;  ///< none: plain HTTP
  unsigned threads = 2;             ///< one io_context each
  /// That wait for their peers. Beyond, the one that got on longest ago (connected, began a request
  /// or was answered) is closed. At most half of the descriptors that the process may have.
  std::size_t max_connections = 1024;
  std::size_t max_requests = 256;        ///< in handlers at once; beyond: 503 with Retry-After
  std::size_t header_limit = 16 * 1024;  ///< 431 beyond
  std::size_t body_limit = 128 * 1024;  ///< 413 beyond, before reading it where the length is known
  /// For each thread: of handshakes, requests that are being received and answers that have not
  /// been taken, in bytes. Beyond, the connection among theirs that got on longest ago is closed.
  std::size_t held_limit = 20 * 1024 * 1024;
  Milliseconds request_timeout{10'000};  ///< first to last byte of one request; also of one answer,
                                         ///< and from connecting to the first byte, TLS included
  Milliseconds idle_timeout{60'000};     ///< keep-alive connection without a further request
  /// Paths that are answered even when max_requests is reached (health).
  std::string priority_prefix = "/healthz";
};

/// Counters since start, for /metrics.
struct ServerCounters {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t requests_total = 0;
  std::uint64_t connections_evicted = 0;  ///< closed for others, by max_connections or held_limit
  std::uint64_t requests_rejected = 0;    ///< by a limit, a time-out, bad framing or failed TLS
  std::uint64_t accept_failures = 0;      ///< no descriptor left, for instance
};

/// An HTTP/1.1 server (RFC 9112) with a limit on everything. Malformed framing (bad or duplicate
/// Content-Length, Content-Length beside Transfer-Encoding, unknown transfer codings, bad chunk
/// sizes, obsolete folding) is answered 400 and closed. Handlers run on the server's threads and
/// must not block. Answers of one connection keep the order of its requests.
///
/// A handler that lets go of its Responder without calling it, or that throws, has answered 500. A
/// Responder may be called after its connection is gone, and after the server is. The request id is
/// the client's X-Request-Id if that is 1 to 64 of [A-Za-z0-9._-], else a new one.
///
/// With TLS nothing is served, and no handler reached, before the client's certificate was
/// verified; what does not begin with a TLS handshake is closed unanswered.
class Server {
 public:
  /// `address` is an IPv4 or IPv6 address, or "localhost" (127.0.0.1). `conflict` when the port is
  /// taken.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  ServerCounters counters() const;
  /// Graceful: no new connections, requests in handlers are answered, for at most `grace`; then
  /// everything is closed and the threads joined. Not from a handler. Harmless when called twice.
  void stop(Milliseconds grace = Milliseconds(5'000));

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs::http
