#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/ids.h"
#include "common/json.h"

namespace vbs::wire {

/// The longest lease that a VMM node accepts.
inline constexpr std::int64_t kLongestLeaseMs = 600'000;

/// Body of `PUT /v1/freezes/{operation id}` on a VMM node: hold one VM's writes still under a
/// lease.
struct FreezeSpec {
  std::string vm;
  std::int64_t lease_ms = 0;  ///< then the VM is thawed whatever happens to the delegate
  bool pause = false;  ///< also stop the VM's processors: the store's copy is not instantaneous
  /// Which VM of that name is meant, where the VMs have UUIDs: another is not held, and "off" is
  /// said of the one that is meant.
  std::optional<Uuid> vm_uuid = std::nullopt;

  static Result<FreezeSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// Answer of PUT, GET and `DELETE /v1/freezes/{operation id}` (thaw; again is harmless). After a
/// thaw the state "expired" says that the VM was not held until then, because its lease ran out or
/// because somebody let it run: then whatever was copied meanwhile is worthless. "off" is an answer
/// of PUT alone: the VM is off or gone, so that nothing in it can write; nothing is held and there
/// is nothing to thaw.
struct FreezeStatus {
  Uuid id;
  std::string vm;
  std::string state;        ///< "frozen", "thawed", "expired" or "off"
  std::string consistency;  ///< "file-system" (agent froze it), "crash" (paused, or nothing to do)
  std::int64_t remaining_ms = 0;

  static Result<FreezeStatus> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
