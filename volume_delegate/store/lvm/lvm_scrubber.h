#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "volume_delegate/store/backing_store.h"

namespace vbs::volume_delegate {

/// Works on one object after the other, the smallest first, on a thread of its own: it zeroes what
/// nobody may read any more, or not yet. How far it is stands in the LVs' tags: what was not done
/// by the end of the process goes on once the object is added again. Thread-safe.
class LvmScrubber {
 public:
  /// What is to be done for an object, as its tags say; ends early when cancelled.
  using Work = std::function<Result<void>(const Uuid& id, CopyControl& control)>;
  explicit LvmScrubber(Work work);
  ~LvmScrubber();
  LvmScrubber(const LvmScrubber&) = delete;
  LvmScrubber& operator=(const LvmScrubber&) = delete;

  /// `bytes`: how much it is. Adding an object twice is harmless; one that is in work is looked at
  /// once more, unless it fails.
  void add(const Uuid& id, std::uint64_t bytes);
  /// Makes the work on it end soon, if it is in work.
  void interrupt(const Uuid& id);
  /// Waits until it is done, or given up until it is added again; at most so long.
  void wait(const Uuid& id, Milliseconds limit);
  /// Bytes that lie behind; 0 for an object that waits for its turn.
  std::uint64_t progress(const Uuid& id) const;
  /// Why the work on it failed the last time; nullopt where it did not, or is being tried again.
  std::optional<Error> failure(const Uuid& id) const;
  /// Forgets the failures of all others.
  void keep_failures(const std::set<Uuid>& of);
  /// Of all failures, one for an operator; "" if none.
  std::string trouble() const;

 private:
  void run();
  void end(const Uuid& id, const Result<void>& done);
  bool contains(const Uuid& id) const { return in_work_ == id || waiting_.contains(id); }

  const Work work_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::map<Uuid, std::uint64_t> waiting_;
  std::optional<Uuid> in_work_;
  CopyControl control_;  // of the one in work
  std::map<Uuid, Error> failures_;
  std::thread thread_;
};

}  // namespace vbs::volume_delegate
