// QemuHypervisor: showing disks to a VM and taking them away.

#include "common/log.h"
#include "vmm_delegate/hypervisor/qemu/qemu.h"
#include "vmm_delegate/hypervisor/vm_words.h"

namespace vbs::vmm_delegate {
namespace {

Error told_of(const std::string& vm, Error error) {
  if (error.code == ErrorCode::node_unavailable && error.message.starts_with("the connection")) {
    error.message = "it went away meanwhile";
  }
  return in_vm(vm, std::move(error));
}

bool shows(const qemu::Held& held, const wire::SessionSpec& session) {
  return held.complete() && held.serial == session.volume.str() &&
         held.read_only == session.read_only;
}

}  // namespace

Result<wire::DeviceStatus> QemuHypervisor::attach(const Uuid& attachment,
                                                  const wire::DeviceSpec& spec,
                                                  const std::string& host_path) {
  auto guard = lock(spec.vm);
  if (!guard) return fail(guard.error());
  auto qmp = open(spec.vm);
  if (!qmp) return fail(qmp.error());
  const auto uuid = qemu::vm_uuid(*qmp);
  if (!uuid) return fail(told_of(spec.vm, uuid.error()));
  if (auto same = check_same_vm(*uuid, spec); !same) return fail(told_of(spec.vm, same.error()));
  auto shown = shown_already(*qmp, attachment, spec);
  if (!shown) return fail(told_of(spec.vm, shown.error()));
  if (*shown) return **std::move(shown);
  auto status = plug_and_read_back(*qmp, attachment, spec, host_path);
  if (status) return status;
  // The connection may be broken, or in the middle of an answer.
  qmp = fail(status.error());
  roll_back(attachment, spec.vm);
  return fail(told_of(spec.vm, status.error()));
}

Result<std::optional<wire::DeviceStatus>> QemuHypervisor::shown_already(
    Qmp& qmp, const Uuid& attachment, const wire::DeviceSpec& spec) {
  const auto held = qemu::look(qmp, attachment);
  if (!held) return fail(held.error());
  if (held->device) {
    if (shows(*held, spec.session)) return qemu::status_of(spec.vm, attachment, *held);
    return fail(ErrorCode::operation_in_progress,
                "it shows another device under this attachment; detach it first");
  }
  if (held->releasing) {
    return fail(ErrorCode::operation_in_progress, "it has not let go of the device shown before");
  }
  // What an attach that died has left: begun anew, because the secret may be another one by now.
  if (auto closed = qemu::close_nodes(qmp, attachment, *held, options_.plug); !closed) {
    return fail(closed.error());
  }
  return std::optional<wire::DeviceStatus>();
}

void QemuHypervisor::roll_back(const Uuid& attachment, const std::string& vm) {
  auto qmp = open_if_on(vm);
  if (qmp && !*qmp) return;
  auto cleared = qmp ? clear(**qmp, vm, attachment) : Result<Detachment>(fail(qmp.error()));
  if (cleared && cleared->waiting_for.empty()) return;
  log::warning("an attach that failed has left something in the VM",
               {{"attachment", attachment.str()},
                {"vm", vm},
                {"reason", cleared ? cleared->waiting_for : describe(cleared.error())}});
}

Result<wire::DeviceStatus> QemuHypervisor::plug_and_read_back(Qmp& qmp, const Uuid& attachment,
                                                              const wire::DeviceSpec& spec,
                                                              const std::string& host_path) {
  auto plugged = qemu::plug(qmp, attachment, spec.session, host_path, options_.plug);
  if (!plugged) return fail(plugged.error());
  const auto held = qemu::look(qmp, attachment);
  if (!held) return fail(held.error());
  if (!shows(*held, spec.session)) {
    return fail(ErrorCode::internal, "the device shown is not the one that was asked for");
  }
  return qemu::status_of(spec.vm, attachment, *held);
}

Result<Detachment> QemuHypervisor::detach(const std::string& vm, const Uuid& attachment) {
  auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  auto qmp = open_if_on(vm);
  if (!qmp) return fail(qmp.error());
  if (!*qmp) return Detachment{};
  auto cleared = clear(**qmp, vm, attachment);
  if (!cleared) return fail(told_of(vm, cleared.error()));
  return cleared;
}

Result<void> QemuHypervisor::resize(const std::string& vm, const Uuid& attachment,
                                    std::uint64_t size_bytes) {
  auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  auto qmp = open(vm);
  if (!qmp && qmp.error().code == ErrorCode::conflict) return {};
  if (!qmp) return fail(qmp.error());
  auto resized = resize_in(*qmp, attachment, size_bytes);
  if (!resized) return fail(told_of(vm, resized.error()));
  return {};
}

Result<void> QemuHypervisor::resize_in(Qmp& qmp, const Uuid& attachment,
                                       std::uint64_t size_bytes) const {
  auto held = qemu::look(qmp, attachment);
  if (!held) return fail(held.error());
  if (!held->complete()) return fail(ErrorCode::not_found, "it shows nothing of this attachment");
  if (held->size_bytes >= size_bytes) return {};
  if (held->read_only) return fail(reader_does_not_grow());
  if (auto alive = check_storage(options_.probe, held->storage); !alive) return alive;
  if (auto done = qemu::resize(qmp, attachment, size_bytes, options_.plug); !done) return done;
  held = qemu::look(qmp, attachment);
  if (!held) return fail(held.error());
  if (held->size_bytes >= size_bytes) return {};
  return fail(ErrorCode::node_unavailable, "its device has " + std::to_string(held->size_bytes) +
                                               " bytes still, not " + std::to_string(size_bytes));
}

Result<Detachment> QemuHypervisor::clear(Qmp& qmp, const std::string& vm, const Uuid& attachment) {
  auto held = qemu::look(qmp, attachment);
  if (!held) return fail(held.error());
  if (held->device) {
    if (auto alive = check_storage(options_.probe, held->storage); !alive) {
      return fail(alive.error());
    }
    const auto gone = qemu::unplug(qmp, attachment);
    if (!gone) return fail(gone.error());
    held->device = !*gone;
    const auto releasing = qemu::is_releasing(qmp, attachment);
    if (!releasing) return fail(releasing.error());
    held->releasing = *releasing;
  }
  auto cleared = clear_rest(qmp, vm, attachment, *held);
  // From here on a refusal of QEMU's proves no longer that nothing was done.
  if (!cleared && cleared.error().code == ErrorCode::conflict) {
    cleared.error().code = ErrorCode::timeout;
  }
  return cleared;
}

Result<Detachment> QemuHypervisor::clear_rest(Qmp& qmp, const std::string& vm,
                                              const Uuid& attachment, const qemu::Held& held) {
  if (held.device || held.releasing) {
    const auto running = qemu::is_running(qmp);
    const bool paused = running && !*running;
    return Detachment{paused ? "VM '" + vm + "' is paused; it lets go of the device when it runs"
                             : "VM '" + vm + "' has requests under way on the device"};
  }
  if (auto done = qemu::close_nodes(qmp, attachment, held, options_.plug); !done) {
    return fail(done.error());
  }
  const auto left = qemu::has_nodes(qmp, attachment);
  if (!left) return fail(left.error());
  if (*left) {
    return fail(ErrorCode::internal, "QEMU says that it closed the device, and still shows it");
  }
  return Detachment{};
}

}  // namespace vbs::vmm_delegate
