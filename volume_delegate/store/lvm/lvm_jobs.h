#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string_view>

#include "common/error.h"
#include "common/ids.h"
#include "volume_delegate/store/lvm/lvm_report.h"

namespace vbs::volume_delegate {

/// What is being made or grown by this process: the sizes promised to it, and the proof that an
/// unfinished LV is not a leftover. Thread-safe.
class LvmJobs {
 public:
  /// Ends its job when destroyed.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(LvmJobs& jobs, const Uuid& id) : jobs_(&jobs), id_(id) {}
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket() { end(); }
    void end();

   private:
    LvmJobs* jobs_ = nullptr;
    Uuid id_;
  };
  /// Sum of what jobs will still take, given what they have taken in a view.
  using Outstanding = std::function<std::uint64_t(const GroupView&)>;
  /// Looks at the group, and says how large the job's object will be, if it may be made beside what
  /// the others take.
  using Check = std::function<Result<std::uint64_t>(const Outstanding& others)>;

  /// overloaded while it has a job, if only that of its upkeep. `check` runs while no job begins or
  /// ends; who only asks does not wait for it.
  Result<Ticket> begin(const Uuid& id, const Check& check);
  bool contains(const Uuid& id) const;
  std::uint64_t outstanding(const GroupView& view) const;

 private:
  std::mutex changing_;       // held while a check looks at the group, however long lvm takes
  mutable std::mutex mutex_;  // of the map
  std::map<Uuid, std::uint64_t> jobs_;
};

}  // namespace vbs::volume_delegate
