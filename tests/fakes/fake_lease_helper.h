#pragma once

#include <functional>
#include <mutex>
#include <set>

#include "vmm_delegate/freeze/freeze_end.h"
#include "vmm_delegate/freeze/lease_helper.h"

namespace vbs::fakes {

/// Lease helpers that act when they are told that time has passed. They outlive the delegate: keep
/// this object across its restarts. Thread-safe.
class FakeLeaseHelper final : public vmm_delegate::LeaseHelper {
 public:
  FakeLeaseHelper(vmm_delegate::FreezeStore store, vmm_delegate::Hypervisor& hypervisor,
                  Clock& clock);

  /// What helpers would have done by now: ends freezes whose lease is over, drops those that are
  /// done. Returns how many had to be ended and could not be.
  int look();
  /// Called with how long it takes until `look` has something to do; the caller sees to it.
  using Alarm = std::function<void(Milliseconds in)>;
  void set_alarm(Alarm alarm) { alarm_ = std::move(alarm); }
  /// The helper of one freeze dies.
  void kill(const Uuid& freeze);

  Result<void> arm(const Uuid& freeze) override;
  bool armed(const Uuid& freeze) override;

 private:
  vmm_delegate::FreezeStore store_;
  vmm_delegate::Hypervisor& hypervisor_;
  Clock& clock_;
  std::mutex mutex_;
  std::set<Uuid> armed_;
  Alarm alarm_;
};

}  // namespace vbs::fakes
