#pragma once

#include <boost/system/error_code.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace vbs::http {

/// Why a peer's certificate was refused, as the end of a sentence about the peer: "its certificate
/// has expired". `code` is one of X509_V_ERR_*; `host` the name it should have been for, if any.
std::string describe_refusal(long code, std::string_view host);

/// What a fatal alert of the peer says (RFC 8446, section 6.2): "it refused our certificate, which
/// has expired".
std::string describe_alert(int alert);

/// Whether an alert says that the peer refuses our certificate: it has carried nothing out then.
/// With TLS 1.3 it comes only after a client's first bytes.
bool is_about_certificate(int alert);

/// The alert behind an error of OpenSSL's; nothing for other errors.
std::optional<int> alert_of(const boost::system::error_code& error);

/// What OpenSSL says where a handshake failed for another reason than a certificate.
std::string describe_handshake_error(const boost::system::error_code& error);

}  // namespace vbs::http
