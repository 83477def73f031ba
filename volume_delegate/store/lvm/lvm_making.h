#pragma once

#include <cstdint>
#include <functional>

#include "volume_delegate/store/lvm/block_device.h"
#include "volume_delegate/store/lvm/lvm_jobs.h"
#include "volume_delegate/store/lvm/lvm_object.h"
#include "volume_delegate/store/lvm/lvm_scrubber.h"

namespace vbs::volume_delegate {

/// A linear LV that is filled with zeros or with a copy, and only then is an object.
class LvmMaking final : public PreparedCopy {
 public:
  struct Plan {
    VolumeGroup& group;
    LvmScrubber& wipes;
    Pace& pace;
    LvRecord record;  ///< in its first stage; its source says what is copied
    std::uint64_t lv_bytes = 0;
    std::uint64_t copy_bytes = 0;  ///< the rest is zeros
  };
  LvmMaking(Plan plan, LvmJobs::Ticket ticket);

  std::uint64_t size_bytes() const override { return plan_.record.size_bytes; }
  bool at_once() const override { return false; }
  Result<void> run(CopyControl& control) override;

 private:
  Result<void> fill(CopyControl& control);
  Result<void> copy(const BlockDevice& to, CopyControl& control);
  Result<LvmObject> check_source();
  void clean_up();

  const Plan plan_;
  LvmJobs::Ticket ticket_;
};

/// What takes one command of lvm, and no time.
class LvmOneCommand final : public PreparedCopy {
 public:
  /// How what a failed command left is taken away.
  using Discard = std::function<Result<void>(LvmObject& object)>;
  LvmOneCommand(VolumeGroup& group, LvRecord record, Arguments command, Discard discard,
                LvmJobs::Ticket ticket);

  std::uint64_t size_bytes() const override { return record_.size_bytes; }
  bool at_once() const override { return true; }
  Result<void> run(CopyControl& control) override;

 private:
  void clean_up();

  VolumeGroup& group_;
  const LvRecord record_;
  const Arguments command_;
  const Discard discard_;
  LvmJobs::Ticket ticket_;
};

}  // namespace vbs::volume_delegate
