#pragma once

#include <cstdint>
#include <string>

#include "common/json.h"
#include "common/wire/session.h"

/// Orders to show the size that a volume has grown to, one for each layer from the store to the
/// VM. All are `PUT .../{id}/size`; the same order again, and one for a size that is there already,
/// changes nothing.
namespace vbs::wire {

/// `PUT /v1/volumes/{id}/size` on a volume server makes the volume that large and answers with its
/// VolumeStatus. What is new reads as zeros. A volume that is larger is left alone: invalid-field
/// "size_bytes". A conflict: the volume is exported, and the target cannot show a new size to who
/// is logged in.
struct VolumeSizeSpec {
  std::uint64_t size_bytes = 0;

  static Result<VolumeSizeSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// `PUT /v1/exports/{attachment id}/size` on a volume server shows the volume's size to initiators
/// and answers with the ExportStatus.
struct ExportSizeSpec {
  std::uint64_t size_bytes = 0;
  std::int64_t generation = 0;

  static Result<ExportSizeSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// `PUT /v1/sessions/{attachment id}/size` on a VMM node shows the export's size to the host, where
/// the host is the initiator, and answers with the SessionStatus.
struct SessionSizeSpec {
  std::uint64_t size_bytes = 0;
  SessionSpec session;

  static Result<SessionSizeSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// `PUT /v1/devices/{attachment id}/size` on a VMM node shows the size to the VM and answers with
/// the DeviceStatus, or 204 where the VM is off: it sees the size when it is on.
struct DeviceSizeSpec {
  std::uint64_t size_bytes = 0;
  std::string vm;
  std::int64_t generation = 0;

  static Result<DeviceSizeSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
