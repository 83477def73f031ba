#include "vmm_delegate/device_service.h"

#include <algorithm>

#include "common/fault_point.h"
#include "common/log.h"
#include "common/text.h"
#include "common/volume_serial.h"
#include "vmm_delegate/joined.h"

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kGuestNameWait{10'000};  // a busy guest takes seconds
constexpr Milliseconds kGuestGoneWait{2'000};
constexpr std::string_view kAttached = "attached";
constexpr std::size_t kShownMountpoints = 4;

void add_guest_view(wire::DeviceStatus& status, const Result<GuestView>& view) {
  if (!view || !view->disk) return;
  status.guest_device = view->disk->device;
  status.mounted = !view->disk->mountpoints.empty();
}

/// "/a, /b"; a guest may name thousands.
std::string some_of(std::vector<std::string> mountpoints) {
  const std::size_t count = mountpoints.size();
  if (count <= kShownMountpoints) return joined(mountpoints);
  mountpoints.resize(kShownMountpoints);
  return joined(mountpoints) + " and " + std::to_string(count - kShownMountpoints) + " more";
}

/// A conflict where the guest must not lose the disk; else a note about what is not known.
Result<std::string> check_unused(const std::string& vm, const Result<GuestView>& view) {
  const std::string who = "the guest of VM '" + vm + "'";
  if (!view) {
    return fail(ErrorCode::conflict, "whether " + who + " uses the disk is not known (" +
                                         view.error().message +
                                         "); detach by force if it may lose it");
  }
  if (!view->agent) return "removed without asking " + who + ": it has no agent";
  if (!view->disk || view->disk->mountpoints.empty()) return std::string();
  return fail(ErrorCode::conflict, who + " has " + view->disk->device + " mounted on " +
                                       some_of(view->disk->mountpoints) +
                                       "; unmount it there, or detach by force");
}

/// A guest tells disks apart by their serials, so a second one of the same volume must wait until
/// what an earlier attachment has left in the VM is gone.
Result<void> check_only_one(const VmView& view, const Uuid& attachment, const Uuid& volume) {
  for (const wire::DeviceStatus& device : view.devices) {
    if (device.attachment == attachment || !is_volume_serial(device.serial, volume)) continue;
    return fail(ErrorCode::overloaded, "VM '" + device.vm +
                                           "' still shows the volume's disk of attachment " +
                                           device.attachment.str() + ", which has to go first");
  }
  return {};
}

/// QEMU has let go of the disk; the guest may take a moment to notice.
std::string check_gone(const std::string& vm, const Result<GuestView>& view) {
  if (view && !view->disk) return "";
  return "the guest of VM '" + vm + "' has not said that the disk is gone";
}

}  // namespace

DeviceService::DeviceService(Hypervisor& hypervisor, Initiator& initiator, AttachmentOrders& orders)
    : hypervisor_(hypervisor), initiator_(initiator), orders_(orders) {}

Result<wire::DeviceStatus> DeviceService::put(const Uuid& attachment,
                                              const wire::DeviceSpec& spec) {
  auto order = orders_.begin(attachment, spec.session.generation, Order::make);
  if (!order) return fail(order.error());
  fault_point("vmmd.attach.start");
  const auto visit = hypervisor_.visit(spec.vm);
  if (!visit) return fail(visit.error());
  if (visit->view.status.state == "off") {
    return fail(ErrorCode::conflict, "VM '" + spec.vm + "' is off; start it, then attach again");
  }
  if (auto free = check_only_one(visit->view, attachment, spec.session.volume); !free) {
    return fail(free.error());
  }
  const wire::DeviceStatus* shown = visit->view.find(attachment);
  // A device that is shown has proven its storage, and a second login might disturb its session.
  const bool is_new = shown == nullptr || shown->state != kAttached;
  const auto path = is_new ? log_in(attachment, spec) : path_of(attachment, spec.session.volume);
  if (!path) return fail(path.error());
  auto status = hypervisor_.attach(attachment, spec, *path);
  if (!status) return status;
  fault_point("vmmd.attach.after-attach");
  if (is_new && initiator_.is_host()) {
    if (auto proven = prove_shown(attachment, spec); !proven) return fail(proven.error());
  }
  add_guest_view(*status, visit->guest->wait_until(true, status->serial, kGuestNameWait));
  log::info("device attached", {{"attachment", attachment.str()}, {"vm", spec.vm}});
  fault_point("vmmd.attach.before-reply");
  return status;
}

Result<std::string> DeviceService::log_in(const Uuid& attachment, const wire::DeviceSpec& spec) {
  auto session = initiator_.log_in(attachment, spec.session);
  if (!session) return fail(session.error());
  fault_point("vmmd.attach.after-log-in");
  return std::move(session->path);
}

Result<std::string> DeviceService::path_of(const Uuid& attachment, const Uuid& volume) {
  if (!initiator_.is_host()) return std::string();
  auto sessions = initiator_.sessions();
  if (!sessions) return fail(sessions.error());
  for (wire::SessionStatus& session : *sessions) {
    if (session.attachment != attachment) continue;
    // The kernel read it when the disk appeared, if it could.
    if (!session.serial.empty() && !is_volume_serial(session.serial, volume)) {
      return fail(ErrorCode::conflict,
                  "the session of the disk that the VM has leads to another volume, " +
                      quote(session.serial) + "; detach it by force, and attach it");
    }
    if (!session.path.empty()) return std::move(session.path);
    return fail(ErrorCode::node_unavailable, "the disk that the VM has is nowhere in /dev");
  }
  return fail(ErrorCode::conflict,
              "the session of the disk that the VM has is gone; detach it by force, and attach it");
}

Result<void> DeviceService::prove_shown(const Uuid& attachment, const wire::DeviceSpec& spec) {
  auto proven = initiator_.prove_shown(attachment, spec.session);
  if (proven) return proven;
  const auto detached = hypervisor_.detach(spec.vm, attachment);
  const bool gone = detached && detached->waiting_for.empty();
  log::error("a VM was shown a disk that is not proven",
             {{"attachment", attachment.str()},
              {"vm", spec.vm},
              {"reason", describe(proven.error())},
              {"outcome", gone       ? "taken away"
                          : detached ? detached->waiting_for
                                     : describe(detached.error())}});
  // A session that is gone is no answer to who asked for a device.
  if (proven.error().code == ErrorCode::not_found) proven.error().code = ErrorCode::conflict;
  return proven;
}

Result<std::optional<wire::DeviceStatus>> DeviceService::resize(const Uuid& attachment,
                                                                const wire::DeviceSizeSpec& spec) {
  auto order = orders_.begin(attachment, spec.generation, Order::make);
  if (!order) return fail(order.error());
  fault_point("vmmd.device-size.start");
  if (auto done = hypervisor_.resize(spec.vm, attachment, spec.size_bytes); !done) {
    return fail(done.error());
  }
  fault_point("vmmd.device-size.before-reply");
  const auto view = hypervisor_.look(spec.vm);
  if (!view) return fail(view.error());
  if (view->status.state == "off") return std::nullopt;
  const wire::DeviceStatus* shown = view->find(attachment);
  if (shown == nullptr) {
    return fail(ErrorCode::not_found,
                "VM '" + spec.vm + "' shows no device of attachment " + attachment.str());
  }
  log::info("device resized", {{"attachment", attachment.str()}, {"vm", spec.vm}});
  return *shown;
}

Result<wire::DeviceStatus> DeviceService::get(const Uuid& attachment, const std::string& vm) {
  std::vector<std::string> names{vm};
  if (vm.empty()) {
    const auto all = hypervisor_.vms();
    if (!all) return fail(all.error());
    names.clear();
    for (const wire::VmStatus& status : *all) names.push_back(status.name);
  }
  std::optional<Error> unknown;
  for (const std::string& name : names) {
    const auto visit = hypervisor_.visit(name);
    if (!visit) {
      if (visit.error().code != ErrorCode::not_found) unknown = visit.error();
      continue;
    }
    const wire::DeviceStatus* found = visit->view.find(attachment);
    if (found == nullptr) continue;
    wire::DeviceStatus status = *found;
    if (status.state == kAttached) add_guest_view(status, visit->guest->look(status.serial));
    return status;
  }
  // A VM that does not answer may be the one that shows it.
  if (unknown) return fail(*std::move(unknown));
  return fail(ErrorCode::not_found, "no VM shows a device of attachment " + attachment.str());
}

Result<Visit> DeviceService::visit_holder(const Uuid& attachment, const MeantVm& meant) {
  auto named = hypervisor_.visit(meant.name);
  const bool is_away = named ? wire::is_other_vm(named->view.status.uuid, meant.uuid)
                             : named.error().code == ErrorCode::not_found;
  if (!is_away || (named && named->view.find(attachment) != nullptr)) return named;
  // It may only have another name by now, and its disks with it.
  const auto shown = get(attachment, "");
  if (shown) return hypervisor_.visit(shown->vm);
  if (shown.error().code != ErrorCode::not_found) return fail(shown.error());
  return named;
}

Result<DeviceService::Removal> DeviceService::remove(const Uuid& attachment, const MeantVm& meant,
                                                     std::int64_t generation, bool force) {
  auto order = orders_.begin(attachment, generation, Order::remove);
  if (!order) return fail(order.error());
  fault_point("vmmd.detach.start");
  const auto visit = visit_holder(attachment, meant);
  // A VM that is gone shows nothing.
  if (!visit && visit.error().code != ErrorCode::not_found) return fail(visit.error());
  const std::string vm = visit ? visit->view.status.name : meant.name;
  const wire::DeviceStatus* shown = visit ? visit->view.find(attachment) : nullptr;
  const bool ask_guest = shown != nullptr && shown->state == kAttached && !force;
  Removal removal;
  if (ask_guest) {
    auto note = check_unused(vm, visit->guest->look_at_mounts(shown->serial));
    if (!note) return fail(note.error());
    removal.note = *std::move(note);
  }
  fault_point("vmmd.detach.before-detach");
  const auto detached = hypervisor_.detach(vm, attachment);
  if (!detached) return fail(detached.error());
  if (!detached->waiting_for.empty()) {
    const wire::DeviceStatus nothing{attachment, vm, "", "", false, {}, {}};
    removal.left = shown != nullptr ? *shown : nothing;
    removal.left->state = "detaching";
    removal.note = detached->waiting_for;
  } else if (shown != nullptr) {
    if (ask_guest && removal.note.empty()) {
      removal.note = check_gone(vm, visit->guest->wait_until(false, shown->serial, kGuestGoneWait));
    }
    log::info("device detached",
              {{"attachment", attachment.str()}, {"vm", vm}, {"note", removal.note}});
  }
  if (!removal.left) {
    if (auto noted = orders_.removed(attachment); !noted) return fail(noted.error());
  }
  fault_point("vmmd.detach.before-reply");
  return removal;
}

bool DeviceService::take_away(const Uuid& attachment) {
  const auto shown = get(attachment, "");
  if (!shown) return false;
  const auto detached = hypervisor_.detach(shown->vm, attachment);
  const bool gone = detached && detached->waiting_for.empty();
  log::warning("a VM that shows a device that was detached has to give it back",
               {{"attachment", attachment.str()},
                {"vm", shown->vm},
                {"outcome", gone       ? "done"
                            : detached ? detached->waiting_for
                                       : describe(detached.error())}});
  return gone;
}

}  // namespace vbs::vmm_delegate
