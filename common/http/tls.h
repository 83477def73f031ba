#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "common/error.h"

// OpenSSL's SSL_CTX and X509_VERIFY_PARAM; its headers stay with those who need them.
struct ssl_ctx_st;
struct X509_VERIFY_PARAM_st;

namespace vbs::http {

/// What one party of a mutually authenticated link brings: three files in PEM form.
struct TlsOptions {
  std::string certificate_file;  ///< its own certificate, then those between it and the CA
  std::string key_file;          ///< not encrypted; nobody but its owner may have access to it
  std::string ca_file;           ///< the only CAs whose certificates are believed

  bool empty() const { return certificate_file.empty() && key_file.empty() && ca_file.empty(); }
};

/// Makes a context speak TLS 1.2 or newer, show the certificate and demand one of the CA from the
/// peer. Without renegotiation, and without resumption: every connection is verified in full.
/// Without ca_file the context's own CAs count, without certificate_file nothing is shown.
/// `invalid_field` that names the file, and what is wrong with it.
Result<void> configure_tls(ssl_ctx_st* context, const TlsOptions& options);

/// The peer's certificate must be for `host`, a DNS name or an IP address, by its subject
/// alternative names (RFC 9110, section 4.3.4); the subject's common name does not count.
void expect_host(X509_VERIFY_PARAM_st* parameters, const std::string& host);

/// The certificates of one program, shared by its server and its client. Thread-safe.
class TlsContext {
 public:
  /// All three files are needed: there is no service without mutual authentication.
  static Result<std::shared_ptr<TlsContext>> load(TlsOptions options);

  /// Reads the files again, for connections from now on. What is wrong with them is returned, and
  /// the certificates read last stay in use.
  Result<void> reload();

  std::shared_ptr<ssl_ctx_st> current() const;

 private:
  explicit TlsContext(TlsOptions options) : options_(std::move(options)) {}

  const TlsOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace vbs::http
