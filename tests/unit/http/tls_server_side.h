#pragma once

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "tests/unit/http/raw_socket.h"
#include "tests/unit/http/test_ca.h"

namespace vbs::http::test {

/// TLS over a connection of a RawServer, by a server that takes every version up to `version`, and
/// any client. It says nothing when it goes, like a process that is killed.
class TlsServerSide {
 public:
  TlsServerSide(RawSocket& socket, const TlsOptions& show, int version = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
    SSL_CTX_set_security_level(context_.get(), 0);  // lets TLS 1.1 be spoken
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_use_certificate_chain_file(context_.get(), show.certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), show.key_file.c_str(), SSL_FILETYPE_PEM);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket.fd());
  }

  bool handshake() { return SSL_accept(ssl_.get()) == 1; }
  /// What arrives up to and including `mark`, or to the end.
  std::string receive_until(std::string_view mark) {
    std::string all;
    char byte = 0;
    while (all.find(mark) == std::string::npos && SSL_read(ssl_.get(), &byte, 1) == 1) all += byte;
    return all;
  }
  bool send(std::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
  }

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};

/// Makes the end of this connection a reset.
inline void reset_at_end(const RawSocket& socket) {
  const linger hard{1, 0};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

}  // namespace vbs::http::test
