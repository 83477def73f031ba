#include "vmm_delegate/hypervisor/vm_words.h"

#include "common/wire/inventory.h"

namespace vbs::vmm_delegate {

Result<KeyedLock::Guard> lock_vm(KeyedLock& locks, const std::string& vm, Milliseconds limit) {
  auto guard = locks.acquire(vm, limit);
  if (guard) return *std::move(guard);
  return fail(ErrorCode::overloaded,
              "another request for VM '" + vm + "' is still under way; try again");
}

Error reader_does_not_grow() {
  return {ErrorCode::conflict,
          "QEMU shows a read-only disk no other size; detach it and attach it again",
          {},
          {},
          {}};
}

Result<void> check_same_vm(const std::optional<Uuid>& uuid, const wire::DeviceSpec& spec) {
  if (!wire::is_other_vm(uuid, spec.vm_uuid)) return {};
  return fail(ErrorCode::conflict, "it is another than the volume was given to: its UUID is " +
                                       uuid->str() + " and not " + spec.vm_uuid->str());
}

Error in_vm(const std::string& vm, Error error) {
  error.message = "VM '" + vm + "': " + error.message;
  return error;
}

}  // namespace vbs::vmm_delegate
