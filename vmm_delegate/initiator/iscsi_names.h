#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/ids.h"

/// How the parts of an iSCSI login are called by open-iscsi, the kernel and udev.
namespace vbs::vmm_delegate {

struct PortalAddress {
  std::string address;  ///< an IPv6 address without its brackets
  std::string port;
  bool operator==(const PortalAddress&) const = default;
};

/// "192.0.2.7:3260" or "[2001:db8::7]:3260". A host's name is an error of the field "portal": it
/// would be looked up without a deadline.
Result<PortalAddress> split_portal(std::string_view portal);
/// The inverse, as `iscsiadm --portal` wants it.
std::string joined_portal(const PortalAddress& portal);

/// Exports are called PREFIX:ATTACHMENT; nothing for any other target.
std::optional<Uuid> attachment_of(std::string_view iqn);

/// Links and the kernel number logical units above this in other ways; VBS's exports have only 1.
inline constexpr std::uint32_t kMaxLun = 255;
/// The name of the link that udev makes in /dev/disk/by-path (systemd 252, udev-builtin-path_id.c).
std::string by_path_name(const PortalAddress& portal, std::string_view iqn, std::uint32_t lun);

/// What such a link, "/dev/disk/by-path/ip-...", tells; nothing for other paths.
struct ByPath {
  PortalAddress portal;
  std::string target;
  std::uint32_t lun = 0;
};
std::optional<ByPath> parse_by_path(std::string_view path);

/// What open-iscsi calls an interface: the initiator name of this node, kept under the node's name.
/// Records and sessions bound to it belong to this program.
std::string interface_name(std::string_view node);
/// open-iscsi keeps 64 characters of it (ISCSI_MAX_IFACE_LEN).
inline constexpr std::size_t kMaxInterfaceName = 64;

}  // namespace vbs::vmm_delegate
