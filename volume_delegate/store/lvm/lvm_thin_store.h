#pragma once

#include <memory>
#include <string>

#include "volume_delegate/store/lvm/lvm_store_base.h"
#include "volume_delegate/store/lvm/thin_pool.h"

namespace vbs::volume_delegate {

struct LvmThinOptions {
  LvmOptions lvm;
  ThinPoolOptions pool;
};

/// Volumes, snapshots and copies as thin LVs of one pool. They share blocks and are peers: each
/// outlives what it was made from. The pool zeroes what it provisions, so nothing is wiped.
class LvmThinStore final : public LvmStoreBase {
 public:
  /// Makes the pool if it is absent and a size is given.
  static Result<std::unique_ptr<LvmThinStore>> open(LvmThinOptions options,
                                                    std::unique_ptr<VolumeGroup> group,
                                                    Clock& clock);

  std::string name() const override { return "lvm-thin"; }
  bool snapshots_need_volume() const override { return false; }

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
  class Cloning;

  LvmThinStore(LvmThinOptions options, std::unique_ptr<VolumeGroup> group, Clock& clock);
  std::string look_after(const GroupView& view) override;
  std::uint64_t allocated_bytes(const LogicalVolume& lv) const override;
  bool is_known(const LogicalVolume& lv) const override;
  /// What is outside of the pool can be an external origin only while nobody can open it.
  Result<void> check_rests(const LvmObject& source) const;
  std::unique_ptr<PreparedCopy> one_command(LvRecord record, Arguments command,
                                            LvmJobs::Ticket ticket);
  Result<Removal> remove(const ObjectRef& target);
  void tidy(const LvmObject& seen);

  ThinPool pool_;
};

}  // namespace vbs::volume_delegate
