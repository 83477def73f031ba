#include "common/http/tls_stream.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/write.hpp>

#include "common/http/tls_failure.h"

namespace vbs::http {

namespace ssl = boost::asio::ssl;

namespace {

/// Two parts that fit one TLS record together are copied into one.
constexpr std::size_t kRecord = 16 * 1024;

/// asio's context object owns its SSL_CTX, so it gets a reference of its own.
ssl::context reference_to(const std::shared_ptr<ssl_ctx_st>& context) {
  SSL_CTX_up_ref(context.get());
  return ssl::context(context.get());
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

std::string common_name_of(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int length =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (length < 0) return {};
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
  OPENSSL_free(text);
  return name;
}

std::vector<std::string> dns_names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type != GEN_DNS) continue;
    const unsigned char* text = ASN1_STRING_get0_data(name->d.dNSName);
    names.emplace_back(reinterpret_cast<const char*>(text),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(all);
  return names;
}

}  // namespace

std::shared_ptr<TlsStream> TlsStream::open(Socket socket, const TlsContext& tls) {
  return closing(
      std::shared_ptr<TlsStream>(new TlsStream(std::move(socket), reference_to(tls.current()))));
}

std::shared_ptr<TlsStream> TlsStream::open(boost::asio::io_context& context,
                                           const TlsContext& tls) {
  return closing(std::shared_ptr<TlsStream>(new TlsStream(context, reference_to(tls.current()))));
}

std::shared_ptr<TlsStream> TlsStream::closing(std::shared_ptr<TlsStream> stream) {
  return std::shared_ptr<TlsStream>(stream.get(), [stream](TlsStream*) { stream->close(); });
}

void TlsStream::accept(Finished done) {
  stream_.async_handshake(
      ssl::stream_base::server,
      [self = shared_from_this(), done = std::move(done)](const SystemError& ec) { done(ec); });
}

void TlsStream::connect(const std::string& host, Finished done) {
  host_ = host;
  SSL* handle = stream_.native_handle();
  expect_host(SSL_get0_param(handle), host);
  // A server name is never an address (RFC 6066, section 3).
  if (!is_address(host)) SSL_set_tlsext_host_name(handle, host.c_str());
  stream_.async_handshake(
      ssl::stream_base::client,
      [self = shared_from_this(), done = std::move(done)](const SystemError& ec) { done(ec); });
}

void TlsStream::read_some(boost::asio::mutable_buffer into, Transferred done) {
  stream_.async_read_some(into, [self = shared_from_this(), done = std::move(done)](
                                    const SystemError& ec, std::size_t bytes) { done(ec, bytes); });
}

void TlsStream::write(const Parts& parts, Transferred done) {
  Parts rest = parts;
  if (parts[0].size() + parts[1].size() <= kRecord) {
    joined_.assign(static_cast<const char*>(parts[0].data()), parts[0].size());
    joined_.append(static_cast<const char*>(parts[1].data()), parts[1].size());
    rest = {boost::asio::buffer(joined_), boost::asio::const_buffer()};
  }
  boost::asio::async_write(stream_, rest,
                           [self = shared_from_this(), done = std::move(done)](
                               const SystemError& ec, std::size_t bytes) { done(ec, bytes); });
}

void TlsStream::shut_down(std::function<void()> done) {
  stream_.async_shutdown(
      [self = shared_from_this(), done = std::move(done)](const SystemError&) { done(); });
}

void TlsStream::close() {
  SystemError ignored;
  socket().close(ignored);
}

bool TlsStream::has_pending() {
  SSL* handle = stream_.native_handle();
  return SSL_has_pending(handle) == 1 || BIO_ctrl_pending(SSL_get_rbio(handle)) > 0;
}

/// The connection holds its SSL_CTX, so that no later one can have its address.
bool TlsStream::is_outdated(const TlsContext& tls) {
  return SSL_get_SSL_CTX(stream_.native_handle()) != tls.current().get();
}

std::shared_ptr<const Identity> TlsStream::peer() {
  const std::unique_ptr<X509, void (*)(X509*)> certificate(
      SSL_get1_peer_certificate(stream_.native_handle()), X509_free);
  if (!certificate) return nullptr;
  auto identity = std::make_shared<Identity>();
  identity->common_name = common_name_of(certificate.get());
  identity->dns_names = dns_names_of(certificate.get());
  return identity;
}

std::string TlsStream::failure(const SystemError& error) {
  const long refusal = SSL_get_verify_result(stream_.native_handle());
  if (refusal != X509_V_OK) return describe_refusal(refusal, host_);
  if (const auto alert = alert_of(error)) return describe_alert(*alert);
  return describe_handshake_error(error);
}

}  // namespace vbs::http
