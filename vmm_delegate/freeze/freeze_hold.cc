// The part of FreezeService that holds a VM still.

#include "common/fault_point.h"
#include "common/log.h"
#include "vmm_delegate/freeze/freeze_end.h"
#include "vmm_delegate/freeze/freeze_service.h"
#include "vmm_delegate/freeze/lease_lock.h"

namespace vbs::vmm_delegate {

namespace {

tl::unexpected<Error> not_locked(const Result<std::optional<LeaseLock>>& lock) {
  if (!lock) return fail(lock.error());
  return fail(ErrorCode::overloaded, "another process holds the VM still; try again");
}

}  // namespace

bool FreezeService::goes_on(const Uuid& id) const {
  const auto phase = store_.phase(id);
  return phase && phase->known && !phase->ending;
}

/// Also success where the lease ended meanwhile: then nothing is held, and the phase says so.
Result<void> FreezeService::hold(FreezeRecord& record, bool resumed) {
  // While this process lives and has the lock, nobody takes the freeze for done. So if this process
  // stalls, and does something to the VM after the lease has let it go, that is undone: below, or,
  // if it dies before, by the lease helper.
  const auto acting = LeaseLock::take(store_.acting_path(record.id));
  const auto held = acting && *acting ? act(record, resumed) : Result<void>(not_locked(acting));
  if (!goes_on(record.id)) return release(hypervisor_, record);
  if (!held) abandon(record);
  return held;
}

Result<void> FreezeService::act(FreezeRecord& record, bool resumed) {
  auto held = helper_.arm(record.id);
  fault_point("vmmd.freeze.after-arm");
  if (held && record.freeze_files && goes_on(record.id)) held = hold_files(record, resumed);
  fault_point("vmmd.freeze.after-files");
  if (held && record.spec.pause && goes_on(record.id)) held = hold_processors(record);
  fault_point("vmmd.freeze.after-stop");
  if (!held || !goes_on(record.id)) return held;
  if (record.spec.pause) {
    const auto writes = hypervisor_.writes(record.spec.vm);
    if (!writes) return fail(writes.error());
    record.writes = *writes;
  }
  record.complete = true;
  return store_.save(record);
}

Result<void> FreezeService::hold_files(FreezeRecord& record, bool resumed) {
  const auto frozen = hypervisor_.freeze_files(record.spec.vm);
  if (frozen && (*frozen == FileFreeze::frozen || resumed)) {
    record.consistency = "file-system";
    return {};
  }
  if (!frozen) {
    // An agent that refuses has frozen nothing. Else that is not known, so it is thawed before the
    // VM goes on without its agent.
    const bool refused = frozen.error().code == ErrorCode::conflict && !resumed;
    if (!refused && !hypervisor_.thaw_files(record.spec.vm)) return fail(frozen.error());
    log::warning("the guest agent could not freeze the file systems",
                 {{"vm", record.spec.vm}, {"error", describe(frozen.error())}});
  }
  // Not frozen, or frozen by somebody else, who may thaw at any moment and must be left alone.
  record.freeze_files = false;
  return store_.save(record);
}

/// A VM that somebody else has paused stays with that somebody: it is noted as stopped only right
/// before it is stopped, and no longer if it then was stopped already.
Result<void> FreezeService::hold_processors(FreezeRecord& record) {
  const bool noted_before = record.stop;
  if (!noted_before) {
    const auto vm = hypervisor_.vm(record.spec.vm);
    if (!vm) return fail(vm.error());
    if (vm->state == "off") return fail(ErrorCode::conflict, "VM '" + record.spec.vm + "' is off");
    if (vm->state != "running") return {};
    record.stop = true;
    if (auto saved = store_.save(record); !saved) return saved;
  }
  fault_point("vmmd.freeze.before-stop");
  const auto stopped = hypervisor_.pause(record.spec.vm);
  if (!stopped) return fail(stopped.error());
  if (*stopped || noted_before) return {};
  record.stop = false;
  return store_.save(record);
}

void FreezeService::abandon(const FreezeRecord& record) {
  auto done = release(hypervisor_, record);
  if (done) done = store_.forget(record.id);
  if (done) return;
  log::warning(
      "a freeze that failed is left to its lease",
      {{"freeze", record.id.str()}, {"vm", record.spec.vm}, {"error", describe(done.error())}});
}

}  // namespace vbs::vmm_delegate
