#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/wire/device.h"
#include "common/wire/export.h"
#include "common/wire/freeze.h"
#include "common/wire/image.h"
#include "common/wire/session.h"
#include "common/wire/snapshot.h"
#include "common/wire/volume.h"

namespace vbs::wire {

/// Answer of `GET /v1/inventory` of a volume server: everything of VBS that is really there, and
/// the images that are offered to it.
struct VolumeServerInventory {
  std::vector<VolumeStatus> volumes;
  std::vector<SnapshotStatus> snapshots;
  std::vector<ImageStatus> images;
  std::vector<ExportStatus> exports;
  std::vector<std::string> foreign;  ///< what is there and not of VBS (files, targets), for people

  static Result<VolumeServerInventory> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// One VM as `GET /v1/vms` ({"vms": [...]}) and the inventory show it.
struct VmStatus {
  std::string name;
  std::string state;   ///< "running", "paused", "off", "unknown"
  bool agent = false;  ///< somebody in the guest holds the agent's channel open
  /// Stays when it is stopped and started, unlike that of another VM which has its name later. None
  /// where the hypervisor has no such thing, or the node is older than this member.
  std::optional<Uuid> uuid = std::nullopt;

  static Result<VmStatus> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// Whether a VM with the UUID `uuid` is surely another than the one that was `meant`.
bool is_other_vm(const std::optional<Uuid>& uuid, const std::optional<Uuid>& meant);

/// Answer of `GET /v1/inventory` of a VMM node. VMs that are off show no devices.
struct VmmInventory {
  std::vector<VmStatus> vms;
  std::vector<DeviceStatus> devices;
  std::vector<SessionStatus> sessions;  ///< host sessions; none where VMs have their own initiator
  std::vector<FreezeStatus> freezes;

  static Result<VmmInventory> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
