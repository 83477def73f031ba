#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/ids.h"

/// The names under which Xen knows the parts of one attachment.
namespace vbs::vmm_delegate::xen {

/// "/dev/sdb" -> "sdb", which `xl` takes and `xm` takes after "/dev/". Xen has a number for sd* up
/// to "sdp" and for xvd* up to "xvdzz" (docs/man/xen-vbd-interface.7), and none for vd*.
/// invalid_field names "device".
Result<std::string> virtual_device(std::string_view device);

/// What a Linux guest calls the disk: its block front end shows "sdb" and "xvdb" both as "xvdb", so
/// that only one of them can be there. Empty for what is no such name.
std::string guest_device(std::string_view virtual_device);

/// The attachment behind a host device: "/dev/disk/by-path/ip-PORTAL-iscsi-PREFIX:UUID-lun-N", as
/// udev names the disks of a session. Nothing for everything that is not of VBS.
std::optional<Uuid> attachment_of_path(std::string_view path, std::string_view iqn_prefix);

}  // namespace vbs::vmm_delegate::xen
