#include "vmm_delegate/initiator/iscsi_names.h"

#include <arpa/inet.h>

#include <charconv>

#include "common/names.h"
#include "common/text.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kInterfacePrefix = "vbs-";
constexpr std::string_view kByPath = "/dev/disk/by-path/";
constexpr std::string_view kIp = "ip-";
constexpr std::string_view kIscsi = "-iscsi-";
constexpr std::string_view kLun = "-lun-";

bool is_numeric(const std::string& address) {
  in6_addr buffer{};
  return ::inet_pton(AF_INET, address.c_str(), &buffer) == 1 ||
         ::inet_pton(AF_INET6, address.c_str(), &buffer) == 1;
}

}  // namespace

Result<PortalAddress> split_portal(std::string_view portal) {
  if (check_portal(portal, "portal")) {
    const auto colon = portal.rfind(':');
    PortalAddress split{std::string(portal.substr(0, colon)),
                        std::string(portal.substr(colon + 1))};
    std::string& host = split.address;
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    if (is_numeric(host)) return split;
  }
  return fail_field(
      "portal", "must be an IP address and a port, like \"192.0.2.7:3260\", got " + quote(portal));
}

std::string joined_portal(const PortalAddress& portal) {
  const bool v6 = portal.address.find(':') != std::string::npos;
  return (v6 ? "[" + portal.address + "]" : portal.address) + ":" + portal.port;
}

std::optional<Uuid> attachment_of(std::string_view iqn) {
  const auto colon = iqn.rfind(':');
  if (!iqn.starts_with("iqn.") || colon == std::string_view::npos) return std::nullopt;
  return Uuid::parse(iqn.substr(colon + 1));
}

std::string by_path_name(const PortalAddress& portal, std::string_view iqn, std::uint32_t lun) {
  std::string name(kIp);
  name.append(portal.address).append(":").append(portal.port);
  return name.append(kIscsi).append(iqn).append(kLun).append(std::to_string(lun));
}

std::optional<ByPath> parse_by_path(std::string_view path) {
  if (!path.starts_with(kByPath)) return std::nullopt;
  path.remove_prefix(kByPath.size());
  const auto iscsi = path.find(kIscsi, kIp.size());
  const auto lun = path.rfind(kLun);
  if (!path.starts_with(kIp) || iscsi == path.npos || lun == path.npos) return std::nullopt;
  const auto target = iscsi + kIscsi.size();
  const std::string_view portal = path.substr(kIp.size(), iscsi - kIp.size());
  // udev puts no brackets around an IPv6 address.
  const auto colon = portal.rfind(':');
  if (lun <= target || colon == portal.npos || colon == 0) return std::nullopt;
  ByPath told{{std::string(portal.substr(0, colon)), std::string(portal.substr(colon + 1))},
              std::string(path.substr(target, lun - target)),
              0};
  const char* end = path.data() + path.size();
  const auto parsed = std::from_chars(path.data() + lun + kLun.size(), end, told.lun);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return told;
}

std::string interface_name(std::string_view node) {
  return std::string(kInterfacePrefix) + std::string(node);
}

}  // namespace vbs::vmm_delegate
