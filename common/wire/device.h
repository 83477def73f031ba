#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/ids.h"
#include "common/json.h"
#include "common/wire/session.h"

namespace vbs::wire {

/// Body of `PUT /v1/devices/{attachment id}` on a VMM node: block-attach.
struct DeviceSpec {
  std::string vm;
  std::string device;  ///< the name asked for, "/dev/sdb"
  SessionSpec session;
  /// Which VM of that name is meant, where the VMs have UUIDs: another is not shown the disk.
  std::optional<Uuid> vm_uuid = std::nullopt;

  static Result<DeviceSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// Answer of PUT and GET, and one entry of a VMM node's inventory.
/// `DELETE /v1/devices/{attachment id}?vm=NAME&generation=N[&vm_uuid=UUID][&force=true]` answers
/// 204 when the VM no longer shows it, 202 while the guest has not let go; without `force` a disk
/// that the guest agent reports as mounted is a conflict. `vm` is required: it says where to look.
/// Where that VM is gone, or has another UUID, whichever shows it is taken.
struct DeviceStatus {
  Uuid attachment;
  std::string vm;
  std::string serial;  ///< as the VM shows it: the volume's UUID
  std::string state;   ///< "attached" or "detaching"
  bool read_only = false;
  std::optional<std::string> guest_device;  ///< name in the guest, where an agent reports it
  std::optional<bool> mounted;              ///< where an agent reports it
  std::uint64_t size_bytes = 0;             ///< as the VM shows it; 0 where that is not known
  bool grows = true;  ///< false where the VM cannot be shown another size while it has the disk

  static Result<DeviceStatus> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
