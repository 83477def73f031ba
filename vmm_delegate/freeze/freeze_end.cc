#include "vmm_delegate/freeze/freeze_end.h"

#include "common/fault_point.h"
#include "common/log.h"
#include "vmm_delegate/freeze/lease_lock.h"

namespace vbs::vmm_delegate {

Result<void> release(Hypervisor& hypervisor, const FreezeRecord& record) {
  // The agent cannot answer before the processors run.
  if (record.stop) {
    if (auto done = hypervisor.resume(record.spec.vm); !done) return done;
  }
  fault_point("vmmd.thaw.between");
  if (record.freeze_files) {
    if (auto done = hypervisor.thaw_files(record.spec.vm); !done) return done;
  }
  return {};
}

namespace {

/// Whether everything that was to stand still has done so until now. A VM that is off by now may
/// have run before, and so may one that somebody else had paused, or has paused again.
Result<bool> stood_still(Hypervisor& hypervisor, const FreezeRecord& record) {
  if (!record.spec.pause) return true;
  const auto vm = hypervisor.vm(record.spec.vm);
  if (!vm && vm.error().code != ErrorCode::not_found) return fail(vm.error());
  if (vm && vm->state == "paused") {
    const auto writes = hypervisor.writes(record.spec.vm);
    if (!writes) return fail(writes.error());
    if (*writes == record.writes) return true;
  }
  log::warning("a VM did not stand still until the end of its freeze", {{"vm", record.spec.vm}});
  return false;
}

/// How a freeze that was held until now ends.
Result<Ending> judge(FreezeStore& store, Hypervisor& hypervisor, const Uuid& id, Ending wanted) {
  if (wanted == Ending::expired) return wanted;
  const auto record = store.record(id);
  if (!record) return fail(record.error());
  if (!*record) return wanted;
  const auto still = stood_still(hypervisor, **record);
  if (!still) return fail(still.error());
  return *still ? Ending::thawed : Ending::expired;
}

}  // namespace

Result<Ending> end_freeze(FreezeStore& store, Hypervisor& hypervisor, const Uuid& id,
                          Ending wanted) {
  const auto before = store.phase(id);
  if (!before) return fail(before.error());
  // Once it is done, a VM that is paused was paused by somebody else.
  if (before->done) return *before->ending;
  const auto judged = before->ending ? *before->ending : judge(store, hypervisor, id, wanted);
  if (!judged) return judged;
  fault_point("vmmd.thaw.before-decision");
  const auto ending = store.end(id, *judged);
  if (!ending) return ending;
  fault_point("vmmd.thaw.after-decision");
  // In this order: a delegate that begins to act now sees that the freeze has ended, and what one
  // that has acted did stands in the record.
  const bool acting = LeaseLock::held(store.acting_path(id));
  const auto record = store.record(id);
  if (!record) return fail(record.error());
  if (!*record) return fail(ErrorCode::internal, "the record of freeze " + id.str() + " is gone");
  if (auto done = release(hypervisor, **record); !done) return fail(done.error());
  if (acting) {
    return fail(ErrorCode::overloaded, "vbs-vmmd is still holding VM '" + (*record)->spec.vm +
                                           "' still, and will see that this has ended");
  }
  fault_point("vmmd.thaw.before-done");
  if (auto done = store.finish(id, *ending); !done) return fail(done.error());
  return ending;
}

}  // namespace vbs::vmm_delegate
