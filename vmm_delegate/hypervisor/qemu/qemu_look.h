#pragma once

#include <map>
#include <string>

#include "common/wire/device.h"
#include "vmm_delegate/hypervisor/qemu/qmp.h"
#include "vmm_delegate/hypervisor/storage_probe.h"

/// What one QEMU holds of attachments, observed through its QMP connection.
namespace vbs::vmm_delegate::qemu {

struct Held {
  bool device = false;     ///< the guest can see the disk
  bool releasing = false;  ///< the disk is unplugged, but QEMU has not let go of it
  bool node = false;
  bool protocol = false;
  bool secret = false;
  bool read_only = false;
  std::uint64_t size_bytes = 0;
  std::string serial;    ///< as the disk shows it
  StoragePlace storage;  ///< where QEMU tells, or the name of the host's device

  bool complete() const { return device && node && protocol; }
};

Result<std::map<Uuid, Held>> look(Qmp& qmp);
/// The one attachment's part of `look`; nothing held gives an empty Held.
Result<Held> look(Qmp& qmp, const Uuid& attachment);
/// Whether QEMU has not let go yet of a disk that is unplugged.
Result<bool> is_releasing(Qmp& qmp, const Uuid& attachment);
/// Whether a block node of the attachment is open.
Result<bool> has_nodes(Qmp& qmp, const Uuid& attachment);
/// For an attachment of which something is held.
wire::DeviceStatus status_of(const std::string& vm, const Uuid& attachment, const Held& held);

/// Whether the VM's processors run.
Result<bool> is_running(Qmp& qmp);
/// As it was started with; none where it was not told one, and says zeros.
Result<std::optional<Uuid>> vm_uuid(Qmp& qmp);
/// Whether a process in the guest has opened the agent's channel behind this socket, or may have.
Result<bool> agent_connected(Qmp& qmp, const std::string& socket_path);
/// Whether an object with this name is directly below the path ("/objects", "/machine/peripheral"),
/// and of which type ("child<scsi-hd>"); "" if there is none.
Result<std::string> child_type(Qmp& qmp, std::string_view path, std::string_view name);

}  // namespace vbs::vmm_delegate::qemu
