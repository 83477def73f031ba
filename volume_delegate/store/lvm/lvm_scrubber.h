#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>

#include "volume_delegate/store/lvm/block_device.h"
#include "volume_delegate/store/lvm/lvm_object.h"

namespace vbs::volume_delegate {

/// Zeroes, on a thread of its own and one LV after the other, what nobody may read any more
/// (deleted objects, which it then removes) or not yet (new extents of growing volumes). Where it
/// is stands in the LV's tags: what was not done by the end of the process goes on once the LV is
/// added again. Thread-safe.
class LvmScrubber {
 public:
  /// `pace` bounds the writing, together with what else uses it.
  LvmScrubber(VolumeGroup& group, Pace& pace);
  ~LvmScrubber();
  LvmScrubber(const LvmScrubber&) = delete;
  LvmScrubber& operator=(const LvmScrubber&) = delete;

  /// An object whose stage says what is to be done; adding it twice is harmless.
  void add(const Uuid& id);
  /// Waits until it is done, or given up until it is added again; at most so long.
  void wait(const Uuid& id, Milliseconds limit);
  /// Bytes of its LV that lie behind; 0 for an object that waits for its turn.
  std::uint64_t progress(const Uuid& id) const;

 private:
  void run();
  Result<void> scrub(const Uuid& id);
  Result<void> erase(LvmObject object);
  Result<void> finish_growth(LvmObject object);
  Result<void> zero_rest(LvmObject& object);

  VolumeGroup& group_;
  Pace& pace_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::deque<Uuid> waiting_;  // the first one is in work
  CopyControl control_;       // of the one in work
  std::thread thread_;
};

}  // namespace vbs::volume_delegate
