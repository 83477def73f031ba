#include "common/http/link_settings.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "common/http/client.h"
#include "common/log.h"

namespace vbs::http {

namespace {

void read_listen(config::Table& root, const std::string& fallback, LinkSettings& link) {
  const std::string listen = root.string_or("listen", fallback);
  const auto colon = listen.rfind(':');
  unsigned port = 0;
  const char* end = listen.data() + listen.size();
  const char* first = colon == std::string::npos ? end : listen.data() + colon + 1;
  const auto [stop, error] = std::from_chars(first, end, port);
  if (first == end || error != std::errc() || stop != end || port == 0 || port > 65535) {
    root.reject("listen", "must be ADDRESS:PORT, like " + fallback + " or [::1]:7700");
    return;
  }
  link.port = static_cast<std::uint16_t>(port);
  link.address = listen.substr(0, colon);
  // Brackets keep an IPv6 address and the port apart (RFC 3986, section 3.2.2).
  const bool bracketed = link.address.starts_with('[') && link.address.ends_with(']');
  if (bracketed != (link.address.find(':') != std::string::npos)) {
    root.reject("listen", "an IPv6 address, and no other, stands in brackets, like [::1]:7700");
    return;
  }
  if (bracketed) link.address = link.address.substr(1, link.address.size() - 2);
  if (is_loopback(link.address)) return;
  boost::system::error_code ec;
  boost::asio::ip::make_address(link.address, ec);
  if (ec) {
    root.reject("listen", "must be an IPv4 or IPv6 address and a port, like " + fallback);
  } else if (link.tls.empty()) {
    root.reject("listen",
                "must be a loopback address where there is no [tls]: the token would cross the "
                "network in clear");
  }
}

TlsOptions read_tls(config::Table table) {
  TlsOptions tls;
  tls.certificate_file = table.string_or("certificate", "");
  tls.key_file = table.string_or("key", "");
  tls.ca_file = table.string_or("ca", "");
  if (tls.empty()) return tls;
  if (tls.certificate_file.empty()) table.reject("certificate", "is missing beside key or ca");
  if (tls.key_file.empty()) table.reject("key", "is missing beside certificate or ca");
  if (tls.ca_file.empty()) table.reject("ca", "is missing beside certificate or key");
  return tls;
}

}  // namespace

LinkSettings read_link(config::Table& root, const std::string& default_listen) {
  LinkSettings link;
  link.tls = read_tls(root.table("tls"));
  read_listen(root, default_listen, link);
  return link;
}

Result<void> apply_link(const LinkSettings& link, ServerOptions& options) {
  options.address = link.address;
  options.port = link.port;
  if (link.tls.empty()) return {};
  auto tls = TlsContext::load(link.tls);
  if (!tls) return fail(tls.error());
  options.tls = std::move(*tls);
  return {};
}

void reload_certificates(const std::shared_ptr<TlsContext>& tls) {
  if (!tls) return;
  if (auto ok = tls->reload(); !ok) {
    log::error("the certificates could not be read again; those read before stay in use",
               {{"error", describe(ok.error())}});
    return;
  }
  log::info("read the certificates again");
}

}  // namespace vbs::http
