#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "common/http/client.h"
#include "common/http/text.h"

namespace vbs::http {

namespace {

constexpr std::string_view kPlain = "http://";
constexpr std::string_view kSecure = "https://";
constexpr std::uint16_t kSecurePort = 443;
constexpr std::size_t kMaxHost = 253;

tl::unexpected<Error> refuse(const char* message) {
  return fail_field("endpoint", message);
}

bool is_host_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '.' || c == '_';
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= kMaxHost &&
         std::all_of(host.begin(), host.end(), is_host_char);
}

/// The host in front of `rest`, which keeps what follows it; "" if there is none.
std::string_view take_host(std::string_view& rest) {
  const bool bracketed = rest.starts_with('[');
  if (!bracketed) {
    const std::string_view host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(host.size());
    return is_host_name(host) ? host : std::string_view();
  }
  const std::size_t end = rest.find(']');
  if (end == std::string_view::npos) return {};
  const std::string_view host = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  boost::system::error_code ec;
  boost::asio::ip::make_address_v6(std::string(host), ec);
  return ec ? std::string_view() : host;
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view url) {
  Endpoint endpoint;
  endpoint.secure = url.starts_with(kSecure);
  if (!endpoint.secure && !url.starts_with(kPlain)) {
    return refuse("an endpoint must start with 'http://' or 'https://'");
  }
  if (endpoint.secure) endpoint.port = kSecurePort;
  std::string_view rest = url.substr(endpoint.secure ? kSecure.size() : kPlain.size());
  if (rest.find_first_of("/?#@") != std::string_view::npos) {
    return refuse("an endpoint must be 'https://host:port', without user, path or query");
  }
  endpoint.host = take_host(rest);
  if (endpoint.host.empty()) {
    return refuse("an endpoint's host must be a name, an IPv4 address, or an IPv6 address in '[]'");
  }
  if (rest.empty()) return endpoint;
  const bool colon = rest.starts_with(':');
  rest.remove_prefix(1);
  unsigned port = 0;
  const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  if (!colon || ec != std::errc() || end != rest.data() + rest.size() || port == 0 ||
      port > 65535) {
    return refuse("an endpoint's port must be a number from 1 to 65535");
  }
  endpoint.port = static_cast<std::uint16_t>(port);
  return endpoint;
}

std::string Endpoint::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Endpoint::str() const {
  return std::string(secure ? kSecure : kPlain) + authority();
}

bool is_loopback(const std::string& host) {
  if (equal_ignoring_case(host, "localhost")) return true;
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(host, ec);
  return !ec && address.is_loopback();
}

}  // namespace vbs::http
