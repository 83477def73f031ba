#pragma once

#include <optional>

#include "common/wire/snapshot.h"
#include "volume_delegate/volume_service.h"

namespace vbs::volume_delegate {

/// Snapshots by their wire contract (wire/snapshot.h); as with volumes, a failed copy is told once,
/// as the error of the next PUT. Calls block; thread-safe.
class SnapshotService {
 public:
  explicit SnapshotService(ObjectParts parts) : parts_(parts) {}

  Result<wire::SnapshotStatus> put(const Uuid& id, const wire::SnapshotSpec& spec);
  Result<wire::SnapshotStatus> get(const Uuid& id);
  /// nullopt: gone. A status: it was being copied and the copy was told to stop, or it is being
  /// wiped; ask again.
  Result<std::optional<wire::SnapshotStatus>> remove(const Uuid& id);

  static wire::SnapshotStatus ready(const StoredSnapshot& snapshot);
  static wire::SnapshotStatus copying(const CopyBoard::View& copy);
  static wire::SnapshotStatus deleting(const Uuid& id, const Removal& removal);

 private:
  Result<std::optional<wire::SnapshotStatus>> find_same(const Uuid& id, const Uuid& volume);
  Result<wire::SnapshotStatus> make(const Uuid& id, const Uuid& volume);

  ObjectParts parts_;
};

}  // namespace vbs::volume_delegate
