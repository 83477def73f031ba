#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "volume_delegate/store/lvm/block_device.h"
#include "volume_delegate/store/lvm/lvm_growth.h"
#include "volume_delegate/store/lvm/lvm_scrubber.h"
#include "volume_delegate/store/lvm/lvm_snapshots.h"
#include "volume_delegate/store/lvm/lvm_store_base.h"

namespace vbs::volume_delegate {

struct LvmThickOptions {
  LvmOptions lvm;
  SnapshotRoom snapshots;
};

/// Volumes as linear LVs, snapshots as classic ones, which share a volume group with whatever else
/// is in it. Nobody knows what free extents hold, so a new volume is zeroed before it is handed
/// out; and what is deleted is wiped before its extents are free.
class LvmStore final : public LvmStoreBase {
 public:
  /// Looks at the group once; everything that a crash left behind is taken care of by `tend`.
  static Result<std::unique_ptr<LvmStore>> open(LvmThickOptions options,
                                                std::unique_ptr<VolumeGroup> group, Clock& clock);

  std::string name() const override { return "lvm"; }
  bool snapshots_need_volume() const override { return true; }

  Result<StoreSpace> space() override;
  Result<std::unique_ptr<PreparedCopy>> prepare_empty(const Uuid& id,
                                                      std::uint64_t size_bytes) override;
  Result<std::unique_ptr<PreparedCopy>> prepare_volume(const Uuid& id, std::uint64_t size_bytes,
                                                       const ObjectRef& source) override;
  Result<std::unique_ptr<PreparedCopy>> prepare_snapshot(const Uuid& id,
                                                         const Uuid& volume) override;
  Result<Growth> grow_volume(const Uuid& id, std::uint64_t size_bytes) override;
  Result<Removal> remove_volume(const Uuid& id) override;
  Result<Removal> remove_snapshot(const Uuid& id) override;

 private:
  LvmStore(LvmThickOptions options, std::unique_ptr<VolumeGroup> group, Clock& clock);
  std::string look_after(const GroupView& view) override;
  bool is_known(const LogicalVolume& lv) const override;
  std::uint64_t allocated_bytes(const LogicalVolume& lv) const override { return lv.size_bytes; }

  StoreSpace space_in(const GroupView& view, std::uint64_t outstanding) const;
  /// insufficient_space with the numbers unless `bytes` more can be promised.
  Result<void> check_room(const GroupView& view, std::uint64_t outstanding,
                          std::uint64_t bytes) const;
  Result<std::unique_ptr<PreparedCopy>> prepare(const LvRecord& record);
  Result<void> begin_growth(const Uuid& id, std::uint64_t size_bytes);
  Result<Growth> how_far_grown(const Uuid& id, std::uint64_t size_bytes);
  Result<Removal> remove(const ObjectRef& target);
  Result<void> mark_deleted(const ObjectRef& target);
  Result<Removal> how_far_removed(const ObjectRef& target);
  void tidy(const LvmObject& seen);
  void tidy_all(const GroupView& view);

  const LvmThickOptions options_;
  Pace wiping_, copying_;
  SnapshotKeeper keeper_;
  LvmGrowth growth_;
  // Last: their threads use what stands before. A growth does not wait for hours of wiping.
  LvmScrubber wipes_, growths_;
};

}  // namespace vbs::volume_delegate
