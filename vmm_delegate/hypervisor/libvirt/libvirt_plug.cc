#include "vmm_delegate/hypervisor/libvirt/libvirt_plug.h"

#include "common/fault_point.h"
#include "common/log.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_orphans.h"

namespace vbs::vmm_delegate::libvirt {
namespace {

constexpr unsigned kLive = VIR_DOMAIN_AFFECT_LIVE;
constexpr unsigned kSaved = VIR_DOMAIN_AFFECT_CONFIG;

/// The controller for a new disk, which is made where there is none.
Result<unsigned> ensure_controller(const Domain& domain, const Definitions& now) {
  const auto live = now.live.virtio_scsi();
  unsigned index = live.value_or(0);
  if (!live) {
    for (const Machine* machine : now.both()) {
      for (const auto& [taken, virtio] : machine->scsi_controllers) {
        index = std::max(index, taken + 1);
      }
    }
    if (auto added = domain.attach(controller_xml(index), kLive); !added) {
      added.error().message =
          "it has no virtio-scsi controller and takes none now (" + added.error().message + ")";
      return fail(added.error());
    }
  }
  if (!now.persistent) return index;
  const auto saved = now.saved.scsi_controllers.find(index);
  if (saved == now.saved.scsi_controllers.end()) {
    if (auto added = domain.attach(controller_xml(index), kSaved); !added) {
      return fail(added.error());
    }
  } else if (!saved->second) {
    return fail(ErrorCode::conflict, "its definition has another kind of SCSI controller " +
                                         std::to_string(index) + " than the one that runs");
  }
  return index;
}

bool shows(const Disk& disk, const wire::SessionSpec& session) {
  return disk.serial == session.volume.str() && disk.read_only == session.read_only;
}

/// The disk to be shown, with a name and a place of its own.
Result<Disk> plan(const Domain& domain, const LibvirtOptions& options, const Definitions& now,
                  const Uuid& attachment, const wire::DeviceSpec& spec,
                  const std::string& host_path) {
  Disk disk;
  disk.source = host_path;
  disk.alias = alias_of(attachment);
  disk.serial = spec.session.volume.str();
  disk.read_only = spec.session.read_only;
  disk.target = free_target(spec.device, options.bus, now.both());
  if (options.bus == DiskBus::xen && disk.target != free_target(spec.device, options.bus, {})) {
    return fail(ErrorCode::already_exists,
                "it has another disk named " + free_target(spec.device, options.bus, {}));
  }
  if (options.bus == DiskBus::scsi) {
    const auto controller = ensure_controller(domain, now);
    if (!controller) return fail(controller.error());
    disk.place = free_place(attachment, *controller, now.both());
  }
  return disk;
}

Result<void> remove(const Domain& domain, const LibvirtOptions& options, const Disk& disk,
                    unsigned flags) {
  auto removed = domain.detach(disk.alias, disk_xml(disk, options.bus), flags);
  // Gone meanwhile, or on its way: what is left is seen afterwards.
  if (!removed && removed.error().code == ErrorCode::not_found) return {};
  const bool leaving =
      !removed && removed.error().message.find("process of unplug") != std::string::npos;
  return leaving ? Result<void>() : removed;
}

/// From what runs, and from what it is started from, as far as the disk is there.
Result<void> remove_from(const Domain& domain, const LibvirtOptions& options, const Disk* live,
                         const Disk* saved) {
  const unsigned flags = (live == nullptr ? 0 : kLive) | (saved == nullptr ? 0 : kSaved);
  auto done = remove(domain, options, live == nullptr ? *saved : *live, flags);
  if (done || done.error().code != ErrorCode::conflict || live == nullptr) return done;
  const auto power = domain.power();
  if (!power || *power != Power::off) return done;
  // It went off meanwhile, and holds nothing but its definition now.
  return saved == nullptr ? Result<void>() : remove(domain, options, *saved, kSaved);
}

/// For a domain whose XML does not have the disk.
Result<void> clear_orphans(const Domain& domain, const LibvirtOptions& options,
                           const Definitions& now, const Uuid& attachment) {
  if (options.bus == DiskBus::xen || now.power == Power::off) return {};
  return remove_orphans(domain, options, attachment);
}

/// The last look of a removal: a request from before it may have waited until then.
Result<void> check_gone(const Domain& domain, const LibvirtOptions& options,
                        const Uuid& attachment) {
  if (auto settled = settle(domain, options); !settled) return settled;
  const auto now = Definitions::read(domain);
  if (!now) return fail(now.error());
  if (now->live.find(attachment) != nullptr || now->saved.find(attachment) != nullptr) {
    return fail(ErrorCode::timeout, "an earlier request has only now shown the device");
  }
  return clear_orphans(domain, options, *now, attachment);
}

Result<void> check_disk(const LibvirtOptions& options, const Disk& disk) {
  return check_storage(options.probe, storage_place(disk.source).value_or(StoragePlace{}));
}

/// libvirt's refusals are free text; what the storage is to blame for is told apart here.
Error open_error(Error error) {
  const bool cannot_open = error.message.find("ould not open") != std::string::npos ||
                           error.message.find("annot access") != std::string::npos ||
                           error.message.find("No such file") != std::string::npos;
  if (error.code == ErrorCode::conflict && cannot_open) error.code = ErrorCode::node_unavailable;
  return error;
}

void roll_back(const Domain& domain, const LibvirtOptions& options, const std::string& vm,
               const Uuid& attachment) {
  const auto cleared = unplug(domain, options, vm, attachment);
  if (cleared && cleared->waiting_for.empty()) return;
  log::warning("an attach that failed has left something in the VM",
               {{"attachment", attachment.str()},
                {"vm", vm},
                {"reason", cleared ? cleared->waiting_for : describe(cleared.error())}});
}

Result<wire::DeviceStatus> attach_and_read_back(const Domain& domain, const LibvirtOptions& options,
                                                const Definitions& now, const Uuid& attachment,
                                                const wire::DeviceSpec& spec, const Disk& disk) {
  const unsigned flags = kLive | (now.persistent ? kSaved : 0);
  fault_point("vmmd.attach.before-device");
  auto attached = domain.attach(disk_xml(disk, options.bus), flags);
  if (!attached) return fail(open_error(attached.error()));
  fault_point("vmmd.attach.after-device");
  const auto after = Definitions::read(domain);
  if (!after) return fail(after.error());
  const Disk* shown = after->live.find(attachment);
  if (shown == nullptr || !shows(*shown, spec.session) || shown->source != disk.source) {
    return fail(ErrorCode::internal, "the device shown is not the one that was asked for");
  }
  return status_of(domain, spec.vm, attachment, *shown);
}

/// For an attachment of which what runs holds nothing.
Result<wire::DeviceStatus> plug_new(const Domain& domain, const LibvirtOptions& options,
                                    Definitions& now, const Uuid& attachment,
                                    const wire::DeviceSpec& spec, const std::string& host_path) {
  if (host_path.empty()) {
    return fail(ErrorCode::conflict,
                "libvirt's VMs get devices of the host, and this host's initiator gave none");
  }
  if (auto clear = clear_orphans(domain, options, now, attachment); !clear) {
    return fail(clear.error());
  }
  // What the domain could not be started with.
  if (const Disk* saved = now.saved.find(attachment)) {
    if (auto done = remove(domain, options, *saved, kSaved); !done) return fail(done.error());
    std::erase_if(now.saved.disks,
                  [&](const Disk& disk) { return disk.attachment() == attachment; });
  }
  const auto disk = plan(domain, options, now, attachment, spec, host_path);
  if (!disk) return fail(disk.error());
  auto status = attach_and_read_back(domain, options, now, attachment, spec, *disk);
  if (!status) roll_back(domain, options, spec.vm, attachment);
  return status;
}

}  // namespace

Result<void> resize(const Domain& domain, const LibvirtOptions& options, const Uuid& attachment,
                    std::uint64_t size_bytes) {
  const auto now = Definitions::read(domain);
  if (!now) return fail(now.error());
  if (now->power == Power::off) return {};
  const Disk* disk = now->live.find(attachment);
  if (disk == nullptr) return fail(ErrorCode::not_found, "it shows nothing of this attachment");
  const auto shown = status_of(domain, "", attachment, *disk);
  if (shown.size_bytes >= size_bytes) return {};
  if (!shown.grows) return fail(reader_does_not_grow());
  if (auto alive = check_disk(options, *disk); !alive) return alive;
  fault_point("vmmd.resize.before-block-resize");
  auto resized = domain.resize(disk->target, size_bytes);
  fault_point("vmmd.resize.after-block-resize");
  if (!resized) {
    // QEMU refuses to make a device larger than its host says it is.
    if (resized.error().code == ErrorCode::conflict) {
      resized.error().code = ErrorCode::node_unavailable;
    }
    return resized;
  }
  const std::uint64_t size = domain.size(disk->target);
  if (size >= size_bytes || size == 0) return {};
  return fail(ErrorCode::node_unavailable, "its device has " + std::to_string(size) +
                                               " bytes still, not " + std::to_string(size_bytes));
}

Result<wire::DeviceStatus> plug(const Domain& domain, const LibvirtOptions& options,
                                const Uuid& attachment, const wire::DeviceSpec& spec,
                                const std::string& host_path) {
  if (auto settled = settle(domain, options); !settled) return fail(settled.error());
  auto now = Definitions::read(domain);
  if (!now) return fail(now.error());
  if (now->power == Power::off) return fail(ErrorCode::conflict, "it is off");
  if (auto same = check_same_vm(domain.uuid(), spec); !same) return fail(same.error());
  const Disk* live = now->live.find(attachment);
  if (live == nullptr) return plug_new(domain, options, *now, attachment, spec, host_path);
  if (!shows(*live, spec.session)) {
    return fail(ErrorCode::operation_in_progress,
                "it shows another device under this attachment; detach it first");
  }
  // Somebody has put the definition back as it was.
  if (now->persistent && now->saved.find(attachment) == nullptr) {
    auto saved = domain.attach(disk_xml(*live, options.bus), kSaved);
    if (!saved) return fail(saved.error());
  }
  return status_of(domain, spec.vm, attachment, *live);
}

Result<Detachment> unplug(const Domain& domain, const LibvirtOptions& options,
                          const std::string& vm, const Uuid& attachment) {
  if (auto settled = settle(domain, options); !settled) return fail(settled.error());
  const auto now = Definitions::read(domain);
  if (!now) return fail(now.error());
  const Disk* live = now->live.find(attachment);
  const Disk* saved = now->saved.find(attachment);
  if (live != nullptr) {
    if (auto alive = check_disk(options, *live); !alive) return fail(alive.error());
  }
  if (live != nullptr || saved != nullptr) {
    const auto watch = live == nullptr ? nullptr : domain.watch_removal(live->alias);
    fault_point("vmmd.detach.before-device-del");
    if (auto done = remove_from(domain, options, live, saved); !done) return fail(done.error());
    fault_point("vmmd.detach.after-device-del");
    if (watch) watch->wait(options.removal);
  }
  const auto after = Definitions::read(domain);
  if (!after) return fail(after.error());
  if (after->saved.find(attachment) != nullptr) {
    return fail(ErrorCode::timeout, "its definition still has the device");
  }
  if (after->live.find(attachment) != nullptr) {
    return Detachment{after->power == Power::paused
                          ? "VM '" + vm + "' is paused; it lets go of the device when it runs"
                          : "the guest of VM '" + vm + "' has not let go of the device"};
  }
  // libvirt shows a device no longer some time before the hypervisor has closed it.
  if (auto gone = check_gone(domain, options, attachment); !gone) return fail(gone.error());
  return Detachment{};
}

}  // namespace vbs::vmm_delegate::libvirt
