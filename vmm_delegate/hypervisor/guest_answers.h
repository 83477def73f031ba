#pragma once

#include <optional>
#include <string_view>

#include "common/json.h"
#include "vmm_delegate/hypervisor/hypervisor.h"

/// What a guest's agent answers (qemu-ga, "QEMU Guest Agent Protocol Reference"), however it was
/// asked. The guest is not trusted: texts are bounded, and what is not understood is an error or is
/// left out.
namespace vbs::vmm_delegate {

/// The value under "return" of one answer. conflict with the agent's text when it refused.
Result<json::Value> guest_result(std::string_view command, std::string_view answer,
                                 std::size_t max_bytes);

/// Whether the answer to guest-fsfreeze-status says that the file systems are frozen.
Result<bool> guest_is_frozen(const json::Value& status);
/// The disk with this serial in the answer to guest-get-disks, without its mounts; nothing when the
/// guest shows none.
Result<std::optional<GuestDisk>> guest_disk(const json::Value& disks, std::string_view serial);
/// The same, from the answer to guest-get-fsinfo; nothing when nothing of the disk is mounted, and
/// not_found when that is not known, because the agent tells no serials of what is (they are
/// optional).
Result<std::optional<GuestDisk>> guest_mounted_disk(const json::Value& file_systems,
                                                    std::string_view serial);

}  // namespace vbs::vmm_delegate
