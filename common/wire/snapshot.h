#pragma once

#include <cstdint>
#include <string>

#include "common/ids.h"
#include "common/json.h"

namespace vbs::wire {

/// Body of `PUT /v1/snapshots/{id}` on a volume server; the rules of VolumeSpec hold.
struct SnapshotSpec {
  Uuid volume;

  static Result<SnapshotSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// Answer of PUT and GET: 200 when ready, 202 while `copying`.
struct SnapshotStatus {
  Uuid id;
  Uuid volume;
  std::uint64_t size_bytes = 0;
  /// "ready" or "copying"; "lost": what it showed is gone, it can only be deleted; "deleting"
  std::string state;
  std::uint64_t copied_bytes = 0;

  static Result<SnapshotStatus> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
