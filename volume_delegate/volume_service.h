#pragma once

#include <optional>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/wire/volume.h"
#include "volume_delegate/copy_board.h"
#include "volume_delegate/export_records.h"
#include "volume_delegate/id_locks.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/tombstones.h"

namespace vbs::volume_delegate {

/// What volumes and snapshots are made of; all of it outlives the services.
struct ObjectParts {
  BackingStore& store;
  CopyBoard& copies;
  Tombstones& tombstones;
  ExportRecords& exports;
  IdLocks& locks;
  Clock& clock;
};

/// Volumes by their wire contract (wire/volume.h). Calls block; thread-safe.
class VolumeService {
 public:
  explicit VolumeService(ObjectParts parts) : parts_(parts) {}

  /// `state` tells "ready" from "copying". A copy that failed is told once, as the error of the
  /// next PUT, and the PUT after that tries again.
  Result<wire::VolumeStatus> put(const Uuid& id, const wire::VolumeSpec& spec);
  /// Makes it larger; state "growing" where that takes time: ask again. `while_exported`: the
  /// target shows a new size to who is logged in; else a volume that is exported does not grow.
  Result<wire::VolumeStatus> grow(const Uuid& id, std::uint64_t size_bytes, bool while_exported);
  Result<wire::VolumeStatus> get(const Uuid& id);
  /// nullopt: gone. A status: it was being copied and the copy was told to stop, or it is being
  /// wiped; ask again.
  Result<std::optional<wire::VolumeStatus>> remove(const Uuid& id);

  static wire::VolumeStatus ready(const StoredVolume& volume);
  static wire::VolumeStatus copying(const CopyBoard::View& copy);
  static wire::VolumeStatus growing(const Uuid& id, const Growth& growth);
  static wire::VolumeStatus deleting(const Uuid& id, const Removal& removal);

 private:
  Result<std::optional<wire::VolumeStatus>> find_same(const Uuid& id, const wire::VolumeSpec& spec,
                                                      const std::optional<ObjectRef>& source);
  Result<wire::VolumeStatus> make(const Uuid& id, const wire::VolumeSpec& spec,
                                  const std::optional<ObjectRef>& source);
  Result<void> check_unused(const Uuid& id);
  Result<void> check_may_grow(const Uuid& id, bool while_exported);

  ObjectParts parts_;
};

/// A source has to be complete, and must stay until the copy is done.
Result<void> check_source_is_complete(const CopyBoard& copies, const ObjectRef& source);
/// conflict when a running copy reads `object`.
Result<void> check_not_being_read(const CopyBoard& copies, const ObjectRef& object);
/// The error for a PUT of an id that was deleted before.
tl::unexpected<Error> was_deleted(const ObjectRef& object);

}  // namespace vbs::volume_delegate
