#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <memory>
#include <string>

#include "tests/unit/http/raw_socket.h"
#include "tests/unit/http/test_ca.h"

namespace vbs::http::test {

/// A TLS client that shows and believes what a test wants. Blocking; every wait is bounded.
class TlsPeer {
 public:
  /// Without certificate files none is shown; whoever answers is believed.
  explicit TlsPeer(std::uint16_t port, const TlsOptions& show = {}, int version = TLS1_3_VERSION)
      : socket_(RawSocket::connect(port)),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        ssl_(nullptr, SSL_free) {
    const timeval patience{kPatienceMs / 1000, 0};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    SSL_CTX_set_security_level(context_.get(), 0);  // lets TLS 1.1 be offered
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    if (!show.certificate_file.empty()) {
      SSL_CTX_use_certificate_chain_file(context_.get(), show.certificate_file.c_str());
      SSL_CTX_use_PrivateKey_file(context_.get(), show.key_file.c_str(), SSL_FILETYPE_PEM);
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.fd());
  }

  bool handshake() { return SSL_connect(ssl_.get()) == 1; }
  bool send(std::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
  }
  /// What arrives next; "" at the end, or when the server refuses.
  std::string receive() {
    std::string text(16 * 1024, '\0');
    const int length = SSL_read(ssl_.get(), text.data(), static_cast<int>(text.size()));
    text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return text;
  }
  /// Everything up to and including `mark`, or to the end.
  std::string receive_until(std::string_view mark) {
    std::string all;
    while (all.find(mark) == std::string::npos) {
      const std::string more = receive();
      if (more.empty()) break;
      all += more;
    }
    return all;
  }
  /// Whether the server takes a handshake and answers a request.
  bool is_served() {
    if (!handshake() || !send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")) return false;
    return receive().starts_with("HTTP/1.1 200");
  }
  /// "no renegotiation" and the like, of the last failure.
  std::string last_error() const {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "";
  }
  SSL* ssl() { return ssl_.get(); }

 private:
  RawSocket socket_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};

}  // namespace vbs::http::test
