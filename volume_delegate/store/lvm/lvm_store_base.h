#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/store/lvm/lvm_jobs.h"
#include "volume_delegate/store/lvm/lvm_object.h"
#include "volume_delegate/store/lvm/volume_group.h"

namespace vbs::volume_delegate {

/// What both kinds of LVM store have in [store].
struct LvmOptions {
  std::string group;
  std::vector<std::string> devices;  ///< the only ones lvm may look at; empty: its own choice
  unsigned reserve_percent = 5;      ///< of the group, never promised
  std::uint64_t wipe_bytes_per_second = 0;
  std::uint64_t copy_bytes_per_second = 0;
};

/// The objects of one volume group by their tags. An LV without them is foreign: it is shown, and
/// never touched.
class LvmStoreBase : public BackingStore {
 public:
  Result<StoreListing> list() override;
  Result<StoredVolume> find_volume(const Uuid& id) override;
  Result<StoredSnapshot> find_snapshot(const Uuid& id) override;
  Result<std::uint64_t> source_size(const ObjectRef& source) override;
  std::string device(const Uuid& volume) const override;
  void tend() override;
  std::string warning() override;

 protected:
  LvmStoreBase(std::unique_ptr<VolumeGroup> group, Clock& clock);

  /// An old view where lvm hangs: what is promised changes slowly, and the node has other things to
  /// tell.
  Result<VolumeGroup::View> view_for_space();
  /// A volume that somebody may use.
  static Result<LvmObject> volume_in(const GroupView& view, const Uuid& id);
  /// `conflict` where somebody has it open, and still has it after a few looks: udevd opens what
  /// has been written to for a moment.
  Result<void> check_is_not_open(const LvmObject& object);

  /// insufficient_space where lvm's metadata has no room for another LV but that which marks and
  /// removals of those that are there may need.
  Result<void> check_metadata_room(const GroupView& view) const;

  /// Begins to make an object if its name is free; `allow` says how much it takes, if it may.
  using Allow = std::function<Result<std::uint64_t>(const GroupView&, std::uint64_t outstanding)>;
  Result<LvmJobs::Ticket> begin(const Uuid& id, const Allow& allow);

  /// Upkeep of what one look showed; every few seconds, by one thread. What an operator should
  /// know, "" if nothing.
  virtual std::string look_after(const GroupView& view) = 0;
  virtual std::uint64_t allocated_bytes(const LogicalVolume& lv) const = 0;
  /// LVs that are not of VBS and yet belong to the store, as a thin pool.
  virtual bool is_known(const LogicalVolume& /*lv*/) const { return false; }
  /// Activates volumes that are not, as after a start of the machine without autoactivation; what
  /// went wrong, "" if nothing.
  std::string activate_volumes(const GroupView& view);

  const std::unique_ptr<VolumeGroup> group_;
  LvmJobs jobs_;

 private:
  /// A command that was killed leaves devices suspended, and guests waiting for ever. In two looks
  /// it is no command's moment any more.
  void resume_what_is_suspended(const GroupView& view);
  std::string warning_about(const GroupView& view);
  void set_warning(std::string text);

  Clock& clock_;
  std::set<std::string> suspended_;  // in the last look
  std::optional<MonotonicTime> last_tended_;
  std::mutex warning_mutex_;
  std::string warning_;
};

}  // namespace vbs::volume_delegate
