#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/event_loop.h"
#include "common/http/message.h"
#include "common/http/tls.h"

namespace vbs::http {

/// "http://127.0.0.1:7001" or "https://vs1:7710" taken apart; no path, user or query allowed.
struct Endpoint {
  std::string host;
  std::uint16_t port = 80;  ///< 443 for https without a port
  bool secure = false;      ///< https
  static Result<Endpoint> parse(std::string_view url);
  std::string str() const;
  /// The Host field: "127.0.0.1:7001", "[::1]:7001".
  std::string authority() const;
};

/// "localhost", or a literal address that leads back to this machine.
bool is_loopback(const std::string& host);

struct ClientOptions {
  std::size_t header_limit = 16 * 1024;
  std::size_t body_limit = 16 * 1024 * 1024;  ///< inventories are large
  std::size_t max_idle_per_endpoint = 8;
  Milliseconds idle_timeout{20'000};  ///< shorter than the server's
  std::shared_ptr<TlsContext> tls;    ///< for https; none: those endpoints are refused
};

/// HTTP/1.1 client for the links between the services: keep-alive, one hard deadline for the whole
/// exchange (resolve, connect, TLS, send, last byte), strict parsing under the server's limits.
/// Lives on one EventLoop; callbacks run there. `send` may be called from any thread.
///
/// Errors: node_unavailable when nothing was sent (refused, unreachable, not the certificate of the
/// endpoint's host, or ours was refused): surely not done; timeout
/// when the outcome is unknown: deadline passed, connection lost after sending, garbage received.
/// invalid_request when the request itself cannot be sent (a malformed field, a relative path).
/// A request is sent again on a fresh connection only if a kept-alive one was closed before any
/// byte of the answer and the method is idempotent (all but POST).
/// An answer must state the length of its body; one that ends by closing is garbage.
class Client {
 public:
  using Callback = std::function<void(Result<Response>)>;
  /// The loop must outlive the client.
  explicit Client(EventLoop& loop, ClientOptions options = {});
  /// Closes everything; callbacks that have not run are dropped. On the loop's thread, or after the
  /// loop stopped: elsewhere a callback may be running at this moment.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const Endpoint& endpoint, Request request, Milliseconds deadline, Callback done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace vbs::http
