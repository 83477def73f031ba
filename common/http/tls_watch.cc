#include "common/http/tls_watch.h"

#include <openssl/ssl.h>

#include <memory>

#include "common/http/tls_failure.h"

namespace vbs::http {

namespace {

int watch_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int verify(X509_STORE_CTX* check, void* watch) {
  const int good = X509_verify_cert(check);
  if (good != 1) {
    auto& observer = *static_cast<TlsWatch*>(watch);
    observer.note(describe_refusal(X509_STORE_CTX_get_error(check), observer.host()));
  }
  return good;
}

void on_event(const SSL* connection, int where, int value) {
  const bool fatal = (value >> 8) == SSL3_AL_FATAL;
  const int alert = value & 0xff;
  if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT || !fatal) return;
  if (!is_about_certificate(alert)) return;
  auto* watch =
      static_cast<TlsWatch*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), watch_index()));
  watch->note(describe_alert(alert));
}

}  // namespace

Result<void> TlsWatch::check() const {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_method()),
                                                             SSL_CTX_free);
  return configure_tls(context.get(), options_);
}

void TlsWatch::apply(ssl_ctx_st* context) {
  if (auto ok = configure_tls(context, options_); !ok) note(ok.error().message);
  expect_host(SSL_CTX_get0_param(context), host_);
  SSL_CTX_set_ex_data(context, watch_index(), this);
  SSL_CTX_set_cert_verify_callback(context, verify, this);
  SSL_CTX_set_info_callback(context, on_event);
}

std::optional<std::string> TlsWatch::take_refusal() {
  const std::lock_guard lock(mutex_);
  return std::exchange(refusal_, std::nullopt);
}

void TlsWatch::note(std::string refusal) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::move(refusal);
}

}  // namespace vbs::http
