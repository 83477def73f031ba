#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "common/http/message.h"

namespace vbs::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                    ///< 0: any free one
  unsigned threads = 2;                      ///< one io_context each
  std::size_t max_connections = 1024;        ///< beyond: answered 503 and closed
  std::size_t max_requests = 256;            ///< in handlers at once; beyond: 503 with Retry-After
  std::size_t header_limit = 16 * 1024;      ///< 431 beyond
  std::size_t body_limit = 1024 * 1024;      ///< 413 beyond, before reading it where the length is known
  Milliseconds request_timeout{10'000};      ///< first to last byte of one request; also of one answer
  Milliseconds idle_timeout{60'000};         ///< keep-alive connection without a request
  /// Paths that are answered even when max_requests is reached (health).
  std::string priority_prefix = "/healthz";
};

/// Counters since start, for /metrics.
struct ServerCounters {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t requests_total = 0;
  std::uint64_t requests_rejected = 0;  ///< by a limit or by bad framing
};

/// An HTTP/1.1 server (RFC 9112) with a limit on everything. Malformed framing (bad or duplicate
/// Content-Length, Content-Length beside Transfer-Encoding, unknown transfer codings, bad chunk sizes,
/// obsolete folding) is answered 400 and closed. Handlers run on the server's threads and must not
/// block. Answers of one connection keep the order of its requests.
class Server {
 public:
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  ServerCounters counters() const;
  /// Graceful: no new connections, requests in handlers are answered, for at most `grace`; then
  /// everything is closed and the threads joined.
  void stop(Milliseconds grace = Milliseconds(5'000));

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs::http
