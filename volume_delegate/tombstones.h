#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"
#include "volume_delegate/record_folder.h"

namespace vbs::volume_delegate {

/// Ids of volumes and snapshots that were deleted: an order to make one that arrives late, after
/// its deletion, must not bring it back. Thread-safe.
class Tombstones {
 public:
  /// Reads what is there; a record that cannot be read is an error that names it.
  static Result<std::unique_ptr<Tombstones>> load(RecordFolder& folder);

  bool contains(const Uuid& id) const;
  Result<void> add(const Uuid& id, WallTime now);
  /// Forgets those of before `limit`; no order is that late.
  Result<void> prune(WallTime limit);

 private:
  explicit Tombstones(RecordFolder& folder) : folder_(folder) {}

  RecordFolder& folder_;
  mutable std::mutex mutex_;
  std::map<Uuid, WallTime> buried_;
};

}  // namespace vbs::volume_delegate
