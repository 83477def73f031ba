#include "common/names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "common/ids.h"

namespace vbs {
namespace {

constexpr std::size_t kMaxResourceName = 128;
constexpr std::size_t kMaxNodeName = 63;
constexpr std::size_t kMaxIscsiName = 223;
constexpr std::size_t kMaxLvmName = 100;
constexpr std::size_t kMaxPortal = 128;
constexpr std::size_t kMaxTags = 32;
constexpr std::size_t kMaxTagKey = 64;
constexpr std::size_t kMaxTagValue = 256;
constexpr std::size_t kMaxIdempotencyKey = 128;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_lower(c) || is_upper(c) || is_digit(c);
}

template <class Allowed>
bool all_of(std::string_view text, Allowed allowed) {
  return std::all_of(text.begin(), text.end(), allowed);
}

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

tl::unexpected<Error> refuse(std::string_view field, std::string_view expected,
                             std::string_view got) {
  return fail_field(std::string(field), "must be " + std::string(expected) + ", got " + quote(got));
}

// "2026-03" of an iqn: a year and a month.
bool is_year_month(std::string_view text) {
  if (text.size() != 7 || text[4] != '-') return false;
  if (!all_of(text.substr(0, 4), is_digit) || !all_of(text.substr(5), is_digit)) return false;
  const std::string_view month = text.substr(5);
  return month >= "01" && month <= "12";
}

// "iqn.2026-03.org.example:anything"
bool is_iqn(std::string_view name) {
  if (!name.starts_with("iqn.") || name.size() < 13) return false;
  if (!is_year_month(name.substr(4, 7)) || name[11] != '.') return false;
  const std::string_view rest = name.substr(12);
  const auto colon = rest.find(':');
  const std::string_view authority = rest.substr(0, colon);
  if (authority.empty() || (colon != std::string_view::npos && colon + 1 == rest.size())) {
    return false;
  }
  const auto in_domain = [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '.'; };
  const auto in_rest = [&](char c) { return in_domain(c) || c == ':'; };
  return all_of(authority, in_domain) && all_of(rest, in_rest);
}

// "eui.02004567a425678d"
bool is_eui(std::string_view name) {
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  return name.size() == 20 && name.starts_with("eui.") && all_of(name.substr(4), is_hex);
}

bool is_portal_host(std::string_view host) {
  if (host.starts_with('[')) {
    const auto in_ipv6 = [](char c) { return is_alphanumeric(c) || c == ':' || c == '.'; };
    return host.size() > 2 && host.ends_with(']') &&
           all_of(host.substr(1, host.size() - 2), in_ipv6);
  }
  const auto in_name = [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; };
  return !host.empty() && is_alphanumeric(host[0]) && all_of(host, in_name);
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && port != 0;
}

}  // namespace

Result<void> check_resource_name(std::string_view name, std::string_view field) {
  constexpr std::string_view kExpected =
      "1 to 128 bytes of UTF-8 without control characters, '/' or spaces at the ends";
  const bool length_ok = !name.empty() && name.size() <= kMaxResourceName;
  if (!length_ok || !is_printable_utf8(name) || name.find('/') != std::string_view::npos ||
      name.front() == ' ' || name.back() == ' ') {
    return refuse(field, kExpected, name);
  }
  if (name == "." || name == "..") return refuse(field, "a name other than \".\" and \"..\"", name);
  // Commands take a name or an id in the same place.
  if (Uuid::parse(name)) return refuse(field, "a name that does not read as an id", name);
  return {};
}

Result<void> check_node_name(std::string_view name, std::string_view field) {
  const auto allowed = [](char c) { return is_alphanumeric(c) || is_one_of(c, "._-"); };
  if (name.empty() || name.size() > kMaxNodeName || !is_alphanumeric(name[0]) ||
      !all_of(name, allowed)) {
    return refuse(
        field, "1 to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit", name);
  }
  return {};
}

Result<std::string> check_device_name(std::string_view name, std::string_view field) {
  std::string_view rest = name;
  if (rest.starts_with("/dev/")) rest.remove_prefix(5);
  const std::string_view short_name = rest;
  for (const std::string_view prefix : {"sd", "vd", "xvd"}) {
    if (!rest.starts_with(prefix)) continue;
    rest.remove_prefix(prefix.size());
    break;
  }
  const bool has_prefix = rest.size() < short_name.size();
  // "a" is the disk that the VM boots from.
  if (!has_prefix || rest.empty() || rest.size() > 2 || rest == "a" || !all_of(rest, is_lower)) {
    return refuse(field, "a disk name from /dev/sdb to /dev/sdzz (or vd, xvd)", name);
  }
  return "/dev/" + std::string(short_name);
}

Result<void> check_iscsi_name(std::string_view name, std::string_view field) {
  if (name.size() > kMaxIscsiName || !(is_iqn(name) || is_eui(name))) {
    return refuse(field,
                  "an iSCSI name in lower case, up to 223 bytes, like "
                  "\"iqn.2026-03.org.example:vm1\" or \"eui.02004567a425678d\"",
                  name);
  }
  return {};
}

Result<void> check_lvm_name(std::string_view name, std::string_view field) {
  const auto allowed = [](char c) { return is_alphanumeric(c) || is_one_of(c, "+_.-"); };
  if (name.empty() || name.size() > kMaxLvmName || name[0] == '-' || name == "." || name == ".." ||
      !all_of(name, allowed)) {
    return refuse(field, "a name that LVM allows: letters, digits and + _ . -", name);
  }
  return {};
}

Result<void> check_portal(std::string_view portal, std::string_view field) {
  const auto colon = portal.rfind(':');
  if (portal.size() > kMaxPortal || colon == std::string_view::npos ||
      !is_portal_host(portal.substr(0, colon)) || !is_port(portal.substr(colon + 1))) {
    return refuse(field, "an address and a port, like \"192.0.2.7:3260\" or \"[2001:db8::7]:3260\"",
                  portal);
  }
  return {};
}

Result<void> check_tags(const std::map<std::string, std::string>& tags, std::string_view field) {
  if (tags.size() > kMaxTags) {
    return fail_field(std::string(field),
                      "must be at most 32 tags, got " + std::to_string(tags.size()));
  }
  const auto in_key = [](char c) { return is_alphanumeric(c) || is_one_of(c, "._:/-"); };
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > kMaxTagKey || !all_of(key, in_key)) {
      return refuse(field, "tags whose keys are 1 to 64 letters, digits, '.', '_', ':', '/' or '-'",
                    key);
    }
    if (value.size() > kMaxTagValue || !is_printable_utf8(value)) {
      return refuse(std::string(field) + "." + key,
                    "up to 256 bytes of UTF-8 without control characters", value);
    }
  }
  return {};
}

Result<void> check_idempotency_key(std::string_view key) {
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (key.empty() || key.size() > kMaxIdempotencyKey || !all_of(key, printable)) {
    return refuse("Idempotency-Key", "1 to 128 printable ASCII characters without spaces", key);
  }
  return {};
}

}  // namespace vbs
