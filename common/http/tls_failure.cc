#include "common/http/tls_failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/ssl/error.hpp>

namespace vbs::http {

namespace {

/// OpenSSL gives an alert of the peer the reason 1000 + its number.
constexpr int kAlertReasons = SSL_AD_REASON_OFFSET;
constexpr int kLastAlert = 255;

unsigned long code_of(const boost::system::error_code& error) {
  return static_cast<unsigned long>(static_cast<unsigned>(error.value()));
}

}  // namespace

std::string describe_refusal(long code, std::string_view host) {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate, or that of its CA, has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid yet; is the clock right?";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is not for " + std::string(host);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "its certificate is signed by itself, not by our CA";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "its certificate is not of our CA";
    case X509_V_ERR_INVALID_PURPOSE:
      return "its certificate is not for this use";
    default:
      return std::string("its certificate is refused: ") + X509_verify_cert_error_string(code);
  }
}

std::string describe_alert(int alert) {
  switch (alert) {
    case SSL3_AD_NO_CERTIFICATE:
    case TLS13_AD_CERTIFICATE_REQUIRED:
      return "it wants a certificate of its CA, and none was shown";
    case SSL_AD_CERTIFICATE_EXPIRED:
      return "it refused our certificate, which has expired";
    case SSL_AD_UNKNOWN_CA:
      return "it refused our certificate, which is not of its CA";
    case SSL_AD_CERTIFICATE_REVOKED:
      return "it refused our certificate, which is revoked";
    default:
      break;
  }
  const char* text = SSL_alert_desc_string_long(alert);
  if (is_about_certificate(alert)) return std::string("it refused our certificate: ") + text;
  return std::string("it ended the TLS connection: ") + text;
}

bool is_about_certificate(int alert) {
  switch (alert) {
    case SSL3_AD_NO_CERTIFICATE:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_DECRYPT_ERROR:
    case TLS13_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

std::optional<int> alert_of(const boost::system::error_code& error) {
  if (error.category() != boost::asio::error::get_ssl_category()) return std::nullopt;
  const unsigned long code = code_of(error);
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return std::nullopt;
  const int alert = ERR_GET_REASON(code) - kAlertReasons;
  if (alert < 0 || alert > kLastAlert) return std::nullopt;
  return alert;
}

std::string describe_handshake_error(const boost::system::error_code& error) {
  if (error == boost::asio::ssl::error::stream_truncated) {
    return "it closed the connection during the TLS handshake";
  }
  if (error.category() != boost::asio::error::get_ssl_category()) return error.message();
  const unsigned long code = code_of(error);
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    switch (ERR_GET_REASON(code)) {
      case SSL_R_HTTP_REQUEST:
        return "it speaks plain HTTP where TLS is spoken";
      case SSL_R_WRONG_VERSION_NUMBER:
        return "it does not speak TLS";
      case SSL_R_UNSUPPORTED_PROTOCOL:
        return "it offers no TLS 1.2 or newer";
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "it shows no certificate";
      default:
        break;
    }
  }
  const char* reason = ERR_reason_error_string(code);
  return std::string("the TLS handshake failed: ") + (reason ? reason : error.message().c_str());
}

}  // namespace vbs::http
