#include "vmm_delegate/initiator/iscsi_names.h"

#include <arpa/inet.h>

#include "common/text.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kInterfacePrefix = "vbs-";

bool is_numeric(const std::string& address) {
  in6_addr buffer{};
  return ::inet_pton(AF_INET, address.c_str(), &buffer) == 1 ||
         ::inet_pton(AF_INET6, address.c_str(), &buffer) == 1;
}

}  // namespace

Result<PortalAddress> split_portal(std::string_view portal) {
  const auto colon = portal.rfind(':');
  PortalAddress split;
  if (colon != std::string_view::npos) {
    split = {std::string(portal.substr(0, colon)), std::string(portal.substr(colon + 1))};
  }
  std::string& host = split.address;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (is_numeric(host) && !split.port.empty()) return split;
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
  return "ip-" + portal.address + ":" + portal.port + "-iscsi-" + std::string(iqn) + "-lun-" +
         std::to_string(lun);
}

std::string interface_name(std::string_view node) {
  return std::string(kInterfacePrefix) + std::string(node);
}

}  // namespace vbs::vmm_delegate
