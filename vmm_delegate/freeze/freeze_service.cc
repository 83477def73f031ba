#include "vmm_delegate/freeze/freeze_service.h"

#include <algorithm>

#include "common/fault_point.h"
#include "common/log.h"
#include "vmm_delegate/freeze/freeze_end.h"

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kBusyWait{5'000};
constexpr std::chrono::days kKeepDone{7};
/// How late a helper may be before this process does its work too.
constexpr Milliseconds kHelperGrace{3'000};

/// Whether nobody else ends it any more. A lease that has longer to run than it was given is of an
/// earlier boot: the monotonic clock began anew since, and no helper has lived through that.
bool is_late(const FreezeRecord& record, MonotonicTime now) {
  return now > record.expires + kHelperGrace ||
         record.expires > now + Milliseconds(record.spec.lease_ms);
}

/// A VM may have a name that reads like a freeze's id.
std::string vm_key(const std::string& vm) {
  return "VM " + vm;
}

/// What is meant is off, or is gone: another VM has its name.
bool is_off(const wire::VmStatus& vm, const wire::FreezeSpec& spec) {
  return vm.state == "off" || wire::is_other_vm(vm.uuid, spec.vm_uuid);
}

/// The same, looking; an error where that is not known.
Result<bool> is_off(Hypervisor& hypervisor, const wire::FreezeSpec& spec) {
  const auto status = hypervisor.vm(spec.vm);
  if (status) return is_off(*status, spec);
  if (status.error().code == ErrorCode::not_found) return true;
  return fail(status.error());
}

std::string_view state_of(const FreezePhase& phase) {
  if (!phase.ending) return "frozen";
  return *phase.ending == Ending::thawed ? "thawed" : "expired";
}

}  // namespace

FreezeService::FreezeService(Hypervisor& hypervisor, LeaseHelper& helper, FreezeStore store,
                             Clock& clock)
    : hypervisor_(hypervisor), helper_(helper), store_(std::move(store)), clock_(clock) {}

Result<KeyedLock::Guard> FreezeService::lock(const std::string& key) {
  auto guard = locks_.acquire(key, kBusyWait);
  if (guard) return *std::move(guard);
  return fail(ErrorCode::overloaded,
              "another freeze or thaw of " + key + " is still under way; try again");
}

Result<wire::FreezeStatus> FreezeService::status_of(const Uuid& id, const std::string& vm) {
  const auto record = store_.record(id);
  if (!record) return fail(record.error());
  const auto phase = store_.phase(id);
  if (!phase) return fail(phase.error());
  wire::FreezeStatus status{id, vm, std::string(state_of(*phase)), "crash", 0};
  if (!*record) return status;
  status.vm = (*record)->spec.vm;
  status.consistency = (*record)->consistency;
  const auto left = std::chrono::floor<Milliseconds>((*record)->expires - clock_.monotonic());
  if (!phase->ending) {
    status.remaining_ms = std::clamp<std::int64_t>(left.count(), 0, (*record)->spec.lease_ms);
  }
  return status;
}

Result<wire::FreezeStatus> FreezeService::put(const Uuid& id, const wire::FreezeSpec& spec) {
  auto this_freeze = lock(id.str());
  if (!this_freeze) return fail(this_freeze.error());
  auto this_vm = lock(vm_key(spec.vm));
  if (!this_vm) return fail(this_vm.error());
  const auto phase = store_.phase(id);
  if (!phase) return fail(phase.error());
  if (phase->ending) return status_of(id, spec.vm);

  auto record = phase->known ? begun_before(id, spec) : begin(id, spec);
  Result<void> held;
  if (!record) {
    held = fail(record.error());
  } else if (!record->complete) {
    held = hold(*record, phase->known);
  }
  if (!held) {
    const auto off = is_off(hypervisor_, spec);
    if (off && *off) return wire::FreezeStatus{id, spec.vm, "off", "crash", 0};
    return fail(held.error());
  }
  fault_point("vmmd.freeze.before-reply");
  // Read once more: the lease may have run out meanwhile.
  return status_of(id, spec.vm);
}

Result<FreezeRecord> FreezeService::begun_before(const Uuid& id, const wire::FreezeSpec& spec) {
  auto begun = store_.record(id);
  if (!begun) return fail(begun.error());
  if (!*begun) return fail(ErrorCode::internal, "the record of freeze " + id.str() + " is gone");
  if ((*begun)->spec.vm == spec.vm) return **std::move(begun);
  return fail(ErrorCode::idempotency_mismatch,
              "freeze " + id.str() + " is of VM '" + (*begun)->spec.vm + "'");
}

Result<FreezeRecord> FreezeService::begin(const Uuid& id, const wire::FreezeSpec& spec) {
  const auto vm = hypervisor_.vm(spec.vm);
  if (!vm) return fail(vm.error());
  if (is_off(*vm, spec)) return fail(ErrorCode::conflict, "VM '" + spec.vm + "' is off");
  if (auto free = check_not_held(spec.vm); !free) return fail(free.error());
  FreezeRecord record;
  record.id = id;
  record.spec = spec;
  record.expires = clock_.monotonic() + Milliseconds(spec.lease_ms);
  record.freeze_files = hypervisor_.agent_answers(spec.vm);
  record.complete = !record.freeze_files && !spec.pause;
  fault_point("vmmd.freeze.before-record");
  if (auto begun = store_.begin(record); !begun) return fail(begun.error());
  fault_point("vmmd.freeze.after-record");
  return record;
}

Result<void> FreezeService::check_not_held(const std::string& vm, bool force) {
  const auto other = holder(vm);
  if (!other) return fail(other.error());
  if (!*other) return {};
  if (force) {
    const auto phase = store_.phase(**other);
    if (!phase) return fail(phase.error());
    if (phase->ending) return {};
  }
  Error error{ErrorCode::operation_in_progress, "", {}, {}, (*other)->str()};
  error.message = "VM '" + vm + "' is held still by freeze " + (*other)->str();
  return fail(std::move(error));
}

Result<std::optional<Uuid>> FreezeService::holder(const std::string& vm) {
  const auto all = open_freezes();
  if (!all) return fail(all.error());
  for (const wire::FreezeStatus& freeze : *all) {
    if (freeze.vm == vm) return std::optional<Uuid>(freeze.id);
  }
  return std::optional<Uuid>();
}

Result<wire::FreezeStatus> FreezeService::get(const Uuid& id) {
  const auto phase = store_.phase(id);
  if (!phase) return fail(phase.error());
  const auto record = store_.record(id);
  if (!record) return fail(record.error());
  if (!phase->known || !*record) {
    return fail(ErrorCode::not_found, "there is no freeze " + id.str());
  }
  return status_of(id, (*record)->spec.vm);
}

Result<std::optional<wire::FreezeStatus>> FreezeService::remove(const Uuid& id) {
  auto this_freeze = lock(id.str());
  if (!this_freeze) return fail(this_freeze.error());
  const auto phase = store_.phase(id);
  if (!phase) return fail(phase.error());
  if (!phase->known) {
    // So that a PUT which was overtaken on its way freezes nothing.
    if (auto buried = store_.bury(id); !buried) return fail(buried.error());
    return std::optional<wire::FreezeStatus>();
  }
  const auto record = store_.record(id);
  if (!record) return fail(record.error());
  if (!*record) return std::optional<wire::FreezeStatus>();
  auto this_vm = lock(vm_key((*record)->spec.vm));
  if (!this_vm) return fail(this_vm.error());
  const auto ending = end_freeze(store_, hypervisor_, id, Ending::thawed);
  if (!ending) return fail(ending.error());
  fault_point("vmmd.thaw.before-reply");
  auto status = status_of(id, (*record)->spec.vm);
  if (!status) return fail(status.error());
  return std::optional<wire::FreezeStatus>(*std::move(status));
}

Result<std::vector<wire::FreezeStatus>> FreezeService::open_freezes() {
  const auto ids = store_.ids();
  if (!ids) return fail(ids.error());
  std::vector<wire::FreezeStatus> all;
  for (const Uuid& id : *ids) {
    const auto phase = store_.phase(id);
    if (!phase) return fail(phase.error());
    if (!phase->known || phase->done) continue;
    auto status = status_of(id, "");
    if (!status) return fail(status.error());
    all.push_back(*std::move(status));
  }
  return all;
}

void FreezeService::sweep() {
  const auto ids = store_.ids();
  if (!ids) {
    log::error("cannot look after freezes", {{"error", describe(ids.error())}});
    return;
  }
  for (const Uuid& id : *ids) {
    if (auto swept = sweep_one(id); !swept) {
      log::error("cannot end a freeze yet",
                 {{"freeze", id.str()}, {"error", describe(swept.error())}});
    }
  }
}

Result<void> FreezeService::sweep_one(const Uuid& id) {
  // Whoever works on it now will leave it in order, or the next sweep finds it.
  auto this_freeze = locks_.acquire(id.str(), Milliseconds(0));
  if (!this_freeze) return {};
  const auto phase = store_.phase(id);
  if (!phase) return fail(phase.error());
  if (phase->done) {
    const auto changed = store_.changed(id);
    if (changed && *changed < clock_.wall() - kKeepDone) return store_.forget(id);
    return {};
  }
  const auto record = store_.record(id);
  if (!record) return fail(record.error());
  if (!phase->known || !*record) return {};
  const bool nothing_held = (*record)->complete && !(*record)->freeze_files && !(*record)->stop;
  if (!is_late(**record, clock_.monotonic()) && (nothing_held || helper_.armed(id))) return {};
  log::warning("ending a freeze whose lease nobody ended",
               {{"freeze", id.str()}, {"vm", (*record)->spec.vm}});
  const auto ending = end_freeze(store_, hypervisor_, id, Ending::expired);
  if (!ending) return fail(ending.error());
  return {};
}

}  // namespace vbs::vmm_delegate
