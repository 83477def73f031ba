// XenHypervisor: showing disks to a VM.

#include <poll.h>

#include "common/fault_point.h"
#include "common/log.h"
#include "common/text.h"
#include "common/volume_serial.h"
#include "vmm_delegate/hypervisor/vm_words.h"
#include "vmm_delegate/hypervisor/xen/xen.h"
#include "vmm_delegate/hypervisor/xen/xen_names.h"

namespace vbs::vmm_delegate {
namespace {

constexpr int kPollMs = 50;

}  // namespace

struct XenHypervisor::Wish {
  Uuid attachment;
  Uuid volume;
  std::string host_path;
  xen::Disk disk;
  bool read_only;

  /// What a device that shows the volume says of itself. Where the target has room for a part of
  /// the UUID only (IET), it is told in full from here on.
  bool is_shown_by(wire::DeviceStatus& status) const {
    if (!is_volume_serial(status.serial, volume)) return false;
    status.serial = volume.str();
    return true;
  }
};

Result<void> XenHypervisor::check_wish(const Wish& wish) const {
  if (wish.host_path.empty()) {
    return fail(ErrorCode::conflict,
                "a Xen VM cannot log in to its volumes itself; this node needs the initiator "
                "driver \"open_iscsi\"");
  }
  if (xen::attachment_of_path(wish.host_path, options_.iqn_prefix) == wish.attachment) return {};
  return fail(ErrorCode::conflict, "the host device " + wish.host_path +
                                       " is not named after the target " + options_.iqn_prefix +
                                       ":" + wish.attachment.str() +
                                       "; iqn_prefix must be that of the volume servers");
}

Result<wire::DeviceStatus> XenHypervisor::attach(const Uuid& attachment,
                                                 const wire::DeviceSpec& spec,
                                                 const std::string& host_path) {
  const auto device = xen::virtual_device(spec.device);
  if (!device) return fail(device.error());
  const Wish wish{
      attachment, spec.session.volume, host_path, {*device, ""}, spec.session.read_only};
  const auto guard = lock(spec.vm);
  if (!guard) return fail(guard.error());
  const auto running = running_domain(spec.vm);
  if (!running) return fail(running.error());
  if (!*running) return fail(not_running(spec.vm));
  auto status = attach_to(**running, wish);
  if (!status) return fail(in_vm(spec.vm, status.error()));
  return status;
}

Error XenHypervisor::not_running(const std::string& vm) const {
  const auto known = domain(vm);
  if (!known) return known.error();
  return {ErrorCode::conflict, "VM '" + vm + "' is off", {}, {}, {}};
}

Result<wire::DeviceStatus> XenHypervisor::attach_to(const xen::Domain& domain,
                                                    const Wish& wish) const {
  auto shown = shown_already(domain, wish);
  if (!shown) return fail(shown.error());
  if (*shown) return **std::move(shown);
  if (auto good = check_wish(wish); !good) return fail(good.error());
  if (auto free = check_name_free(domain, wish); !free) return fail(free.error());
  auto status = plug_and_read_back(domain, wish);
  if (!status) roll_back(domain, wish);
  return status;
}

Result<std::optional<wire::DeviceStatus>> XenHypervisor::shown_already(const xen::Domain& domain,
                                                                       const Wish& wish) const {
  // An xl that outlived the process which had started it may still be at work.
  const MonotonicTime deadline = deadline_in(options_.connect);
  auto held = vbds(domain, wish.attachment);
  while (held && !held->empty() && !held->front().complete() && !held->front().releasing() &&
         poll_timeout(deadline) > 0) {
    ::poll(nullptr, 0, kPollMs);
    held = vbds(domain, wish.attachment);
  }
  if (!held) return fail(held.error());
  for (const xen::Vbd& vbd : *held) {
    if (vbd.releasing()) {
      // Whoever asked for it back may be gone, and nobody else ends what was begun.
      const auto is_gone = release(domain, vbd);
      if (!is_gone) return fail(is_gone.error());
      if (*is_gone) continue;
      return fail(ErrorCode::operation_in_progress, "it has not let go of the device shown before");
    }
    if (!vbd.complete()) {
      // What an attach that died has left, which the guest has not seen.
      auto done = tools_.block_detach(domain, vbd.disk, true);
      if (!done) return fail(done.error());
      continue;
    }
    auto status = status_of(domain.name, wish.attachment, vbd);
    if (wish.is_shown_by(status) && status.read_only == wish.read_only &&
        vbd.disk.device == wish.disk.device) {
      return status;
    }
    return fail(ErrorCode::operation_in_progress,
                "it shows another device under this attachment; detach it first");
  }
  return std::optional<wire::DeviceStatus>();
}

Result<void> XenHypervisor::check_name_free(const xen::Domain& domain, const Wish& wish) const {
  const auto all = vbds(domain);
  if (!all) return fail(all.error());
  const std::string in_guest = xen::guest_device(wish.disk.device);
  for (const xen::Vbd& vbd : *all) {
    if (xen::guest_device(vbd.disk.device) != in_guest) continue;
    return fail(ErrorCode::conflict, "the device name " + wish.disk.device +
                                         " is taken: the guest would show it as " + in_guest +
                                         ", like the VM's disk " + vbd.disk.device + " (" +
                                         to_utf8(vbd.path) + ")");
  }
  return {};
}

Result<wire::DeviceStatus> XenHypervisor::plug_and_read_back(const xen::Domain& domain,
                                                             const Wish& wish) const {
  fault_point("vmmd.attach.before-device");
  const auto plugged = tools_.block_attach(domain, wish.host_path, wish.disk, wish.read_only);
  fault_point("vmmd.attach.after-device");
  const auto vbd = await_guest(domain, wish);
  if (!vbd) return fail(plugged ? vbd.error() : plugged.error());
  auto status = status_of(domain.name, wish.attachment, *vbd);
  if (wish.is_shown_by(status)) return status;
  return fail(ErrorCode::conflict, "the host device " + wish.host_path + " has the serial " +
                                       quote(status.serial) + ", not the volume's " +
                                       wish.volume.str());
}

/// A VM that is paused, or has no driver yet, takes the disk later.
Result<xen::Vbd> XenHypervisor::await_guest(const xen::Domain& domain, const Wish& wish) const {
  const MonotonicTime deadline = deadline_in(options_.connect);
  while (true) {
    const auto held = vbds(domain, wish.attachment);
    if (!held) return fail(held.error());
    if (held->empty()) return fail(ErrorCode::internal, "the device is not shown");
    const xen::Vbd& vbd = held->front();
    if (vbd.releasing()) return fail(ErrorCode::conflict, "the guest refused the device");
    if (vbd.complete() && vbd.back == xen::XenbusState::connected) return vbd;
    if (poll_timeout(deadline) == 0) return judge_late(domain, vbd);
    ::poll(nullptr, 0, kPollMs);
  }
}

Result<xen::Vbd> XenHypervisor::judge_late(const xen::Domain& domain, const xen::Vbd& vbd) const {
  const auto now = this->domain(domain.name);
  if (!now) return fail(now.error());
  if (now->state == "off") return fail(ErrorCode::conflict, "it is off");
  if (vbd.complete()) return vbd;
  return fail(ErrorCode::timeout, "the device is not shown in full");
}

void XenHypervisor::roll_back(const xen::Domain& domain, const Wish& wish) const {
  const auto held = vbds(domain, wish.attachment);
  std::optional<Error> problem;
  if (!held) problem = held.error();
  for (const xen::Vbd& vbd : held.value_or(std::vector<xen::Vbd>())) {
    // Not asking the guest: the device was never handed over.
    const auto done = tools_.block_detach(domain, vbd.disk, true);
    if (!done) problem = done.error();
  }
  if (!problem) return;
  log::warning(
      "an attach that failed may have left something in the VM",
      {{"attachment", wish.attachment.str()}, {"vm", domain.name}, {"reason", describe(*problem)}});
}

}  // namespace vbs::vmm_delegate
