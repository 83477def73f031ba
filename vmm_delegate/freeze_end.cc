#include "vmm_delegate/freeze_end.h"

#include "common/fault_point.h"

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

Result<Ending> end_freeze(FreezeStore& store, Hypervisor& hypervisor, const FreezeRecord& record,
                          Ending wanted) {
  const auto before = store.phase(record.id);
  if (!before) return fail(before.error());
  // Once it is done, a VM that is paused was paused by somebody else.
  if (before->done) return *before->ending;
  fault_point("vmmd.thaw.before-decision");
  const auto ending = store.end(record.id, wanted);
  if (!ending) return ending;
  fault_point("vmmd.thaw.after-decision");
  if (auto done = release(hypervisor, record); !done) return fail(done.error());
  fault_point("vmmd.thaw.before-done");
  if (auto done = store.finish(record.id, *ending); !done) return fail(done.error());
  return ending;
}

}  // namespace vbs::vmm_delegate
