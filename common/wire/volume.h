#pragma once

#include <cstdint>
#include <string>

#include "common/ids.h"
#include "common/json.h"

namespace vbs::wire {

/// Body of `PUT /v1/volumes/{id}` on a volume server. Same id and same body again is harmless; same
/// id with another body is a conflict; an id that was deleted is never made again
/// (stale-generation).
struct VolumeSpec {
  std::uint64_t size_bytes = 0;
  std::string source_kind;  ///< "", "snapshot", "volume" or "image"
  Uuid source;              ///< nil when source_kind is ""

  static Result<VolumeSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// Answer of PUT and GET: 200 when ready, 202 while `copying`; of PUT .../size 202 while `growing`.
struct VolumeStatus {
  Uuid id;
  std::uint64_t size_bytes = 0;
  /// "ready" or "copying"; "growing": what is new is being zeroed; "deleting": being wiped.
  std::string state;
  std::uint64_t copied_bytes = 0;     ///< progress, while it is not ready
  std::uint64_t allocated_bytes = 0;  ///< what the store really holds for it
  /// How long a point-in-time copy of it would take; 0 where the store does it at once (reflink).
  std::int64_t snapshot_estimate_ms = 0;

  static Result<VolumeStatus> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
