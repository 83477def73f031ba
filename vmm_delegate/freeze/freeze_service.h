#pragma once

#include <optional>
#include <vector>

#include "common/wire/freeze.h"
#include "vmm_delegate/freeze/freeze_store.h"
#include "vmm_delegate/freeze/lease_helper.h"
#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/keyed_lock.h"

namespace vbs::vmm_delegate {

/// Holding a VM's writes still under a lease: the resource /v1/freezes. A freeze is recorded and
/// its lease watched before anything is done to the VM, so no death of this process leaves a VM
/// frozen for longer than the lease. An id that has ended is never frozen again. Thread-safe; calls
/// block.
class FreezeService {
 public:
  FreezeService(Hypervisor& hypervisor, LeaseHelper& helper, FreezeStore store, Clock& clock);

  /// The state "off" where the VM is off or gone; operation_in_progress where another freeze holds
  /// it. A guest whose agent fails is not held by its agent, and the answer's consistency says so.
  /// After any error nothing is held, or what is will be let go by its lease.
  Result<wire::FreezeStatus> put(const Uuid& id, const wire::FreezeSpec& spec);
  Result<wire::FreezeStatus> get(const Uuid& id);
  /// Thaws; nothing where no such freeze was ever begun.
  Result<std::optional<wire::FreezeStatus>> remove(const Uuid& id);
  /// The freeze that holds this VM, or has not let go of all of it yet. Until then its agent tells
  /// nothing, and whoever wants something of the VM had better come back later.
  Result<std::optional<Uuid>> holder(const std::string& vm);
  /// operation_in_progress, with the holder, where there is one. By force, only while it holds: an
  /// agent that never comes back to thaw its guest must not keep the disks as well.
  Result<void> check_not_held(const std::string& vm, bool force = false);
  /// Those that are not done.
  Result<std::vector<wire::FreezeStatus>> open_freezes();

  /// Ends freezes whose lease helper is gone or late, and forgets those done more than a week ago.
  /// To be called at start and then about every second.
  void sweep();

 private:
  Result<KeyedLock::Guard> lock(const std::string& key);
  Result<wire::FreezeStatus> status_of(const Uuid& id, const std::string& vm);
  Result<FreezeRecord> begun_before(const Uuid& id, const wire::FreezeSpec& spec);
  Result<FreezeRecord> begin(const Uuid& id, const wire::FreezeSpec& spec);
  bool goes_on(const Uuid& id) const;
  Result<void> hold(FreezeRecord& record, bool resumed);
  Result<void> act(FreezeRecord& record, bool resumed);
  Result<void> hold_files(FreezeRecord& record, bool resumed);
  Result<void> hold_processors(FreezeRecord& record);
  void abandon(const FreezeRecord& record);
  Result<void> sweep_one(const Uuid& id);

  Hypervisor& hypervisor_;
  LeaseHelper& helper_;
  FreezeStore store_;
  Clock& clock_;
  KeyedLock locks_;  ///< by freeze id, then by VM name
};

}  // namespace vbs::vmm_delegate
