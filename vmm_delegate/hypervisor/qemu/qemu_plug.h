#pragma once

#include <string>

#include "common/wire/device.h"
#include "vmm_delegate/hypervisor/qemu/qemu_look.h"

/// The commands that put a disk into a running QEMU and take it out again, over one connection.
/// Each function expects that the caller has looked.
namespace vbs::vmm_delegate::qemu {

struct PlugOptions {
  std::string initiator;             ///< the node's IQN
  std::int64_t iscsi_timeout_s = 5;  ///< QEMU stands still for this long when a portal is silent
};

/// Opens the host's device or, where `host_path` is empty, the session's target, and shows it as a
/// SCSI disk. May leave parts behind when it fails.
Result<void> plug(Qmp& qmp, const Uuid& attachment, const wire::SessionSpec& session,
                  const std::string& host_path, const PlugOptions& options);

/// Lets QEMU ask the storage for its size, which should be `size_bytes` or more by now, and tell
/// the guest.
Result<void> resize(Qmp& qmp, const Uuid& attachment, std::uint64_t size_bytes,
                    const PlugOptions& options);

/// Unplugs the disk and waits a bounded time until the VM shows it no longer; false when that took
/// too long.
Result<bool> unplug(Qmp& qmp, const Uuid& attachment);
/// Closes the block nodes and drops the secret, as far as `held` says they are there.
Result<void> close_nodes(Qmp& qmp, const Uuid& attachment, const Held& held,
                         const PlugOptions& options);

}  // namespace vbs::vmm_delegate::qemu
