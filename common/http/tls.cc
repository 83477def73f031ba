#include "common/http/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>

#include "common/file.h"
#include "common/log.h"

namespace vbs::http {

namespace {

/// A certificate that ends within this is worth a line in the log at every start and reload.
constexpr std::time_t kWarnBefore = 30 * 24 * 3'600;
/// TLS 1.2 with forward secrecy and authenticated encryption only; TLS 1.3 has nothing else.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

tl::unexpected<Error> wrong_file(const char* what, const std::string& path,
                                 const std::string& why) {
  return fail(ErrorCode::invalid_field, std::string(what) + " " + path + " " + why);
}

/// OpenSSL's own reports of these are cryptic.
Result<void> check_readable(const char* what, const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return wrong_file(what, path, "cannot be read: " + errno_text(errno));
  return {};
}

Result<void> check_private(const char* what, const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return wrong_file(what, path, "cannot be read: " + errno_text(errno));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return wrong_file(what, path, "can be used by others than its owner; `chmod 600` it");
  }
  return check_readable(what, path);
}

/// Without it OpenSSL would ask at the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Result<void> use_ca(SSL_CTX* context, const std::string& path) {
  if (auto ok = check_readable("CA file", path); !ok) return ok;
  // A new store: no CA that the system or a library brought along counts.
  X509_STORE* store = X509_STORE_new();
  SSL_CTX_set_cert_store(context, store);
  if (X509_STORE_load_file(store, path.c_str()) != 1) {
    return wrong_file("CA file", path, "holds no certificate in PEM form, or a broken one");
  }
  // Lets a client with several certificates choose.
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(path.c_str()));
  return {};
}

Result<void> use_certificate(SSL_CTX* context, const TlsOptions& options) {
  if (auto ok = check_readable("certificate", options.certificate_file); !ok) return ok;
  if (auto ok = check_private("key", options.key_file); !ok) return ok;
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return wrong_file("certificate", options.certificate_file, "is no certificate in PEM form");
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const unsigned long reason = ERR_peek_last_error();
    if (ERR_GET_LIB(reason) == ERR_LIB_X509 &&
        ERR_GET_REASON(reason) == X509_R_KEY_VALUES_MISMATCH) {
      return wrong_file("key", options.key_file,
                        "does not belong to the certificate " + options.certificate_file);
    }
    return wrong_file("key", options.key_file, "is no unencrypted private key in PEM form");
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return wrong_file("key", options.key_file,
                      "does not belong to the certificate " + options.certificate_file);
  }
  return {};
}

/// A certificate that no peer would believe is found here rather than one connection at a time. Its
/// time is not looked at: a program must start before its clock is right.
Result<void> check_own_chain(SSL_CTX* context, const TlsOptions& options) {
  STACK_OF(X509)* between = nullptr;
  SSL_CTX_get0_chain_certs(context, &between);
  const std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> check(X509_STORE_CTX_new(),
                                                                         X509_STORE_CTX_free);
  X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(context),
                      SSL_CTX_get0_certificate(context), between);
  X509_STORE_CTX_set_flags(check.get(), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_verify_cert(check.get()) == 1) return {};
  const char* why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()));
  return wrong_file("certificate", options.certificate_file,
                    "is not of the CA in " + options.ca_file + ": " + why);
}

void warn_of_its_end(SSL_CTX* context, const TlsOptions& options) {
  std::time_t soon = std::time(nullptr) + kWarnBefore;
  const ASN1_TIME* end = X509_get0_notAfter(SSL_CTX_get0_certificate(context));
  if (X509_cmp_time(end, &soon) > 0) return;
  int days = 0;
  int seconds = 0;
  ASN1_TIME_diff(&days, &seconds, nullptr, end);
  log::warning(
      days < 0 || seconds < 0 ? "the certificate has expired" : "the certificate ends soon",
      {{"certificate", options.certificate_file}, {"days", std::int64_t{days}}});
}

Result<std::shared_ptr<SSL_CTX>> make_context(const TlsOptions& options) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_method()), SSL_CTX_free);
  if (auto ok = configure_tls(context.get(), options); !ok) return fail(ok.error());
  if (auto ok = check_own_chain(context.get(), options); !ok) return fail(ok.error());
  warn_of_its_end(context.get(), options);
  return context;
}

}  // namespace

Result<void> configure_tls(ssl_ctx_st* context, const TlsOptions& options) {
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, 0);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  Result<void> done;
  if (!options.ca_file.empty()) done = use_ca(context, options.ca_file);
  if (done && !options.certificate_file.empty()) done = use_certificate(context, options);
  ERR_clear_error();  // they would be taken for those of a connection on this thread
  return done;
}

void expect_host(X509_VERIFY_PARAM_st* parameters, const std::string& host) {
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1) return;
  X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
}

Result<std::shared_ptr<TlsContext>> TlsContext::load(TlsOptions options) {
  if (options.certificate_file.empty() || options.key_file.empty() || options.ca_file.empty()) {
    return fail(ErrorCode::invalid_field, "TLS needs a certificate, its key and a CA file");
  }
  std::shared_ptr<TlsContext> made(new TlsContext(std::move(options)));
  if (auto ok = made->reload(); !ok) return fail(ok.error());
  return made;
}

Result<void> TlsContext::reload() {
  auto fresh = make_context(options_);
  if (!fresh) return fail(fresh.error());
  const std::lock_guard lock(mutex_);
  context_ = std::move(*fresh);
  return {};
}

std::shared_ptr<ssl_ctx_st> TlsContext::current() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

}  // namespace vbs::http
