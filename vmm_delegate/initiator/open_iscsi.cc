#include "vmm_delegate/initiator/open_iscsi.h"

#include <algorithm>
#include <map>

namespace vbs::vmm_delegate {

OpenIscsi::OpenIscsi(OpenIscsiOptions options, std::unique_ptr<ScsiLayer> scsi)
    : options_(std::move(options)),
      scsi_(std::move(scsi)),
      records_(options_.iscsi_folder, options_.records),
      kernel_(options_.sysfs),
      iscsiadm_(options_.iscsiadm) {}

Milliseconds OpenIscsi::Call::left() const {
  const auto left = std::chrono::ceil<Milliseconds>(deadline - SystemClock().monotonic());
  return std::max(left, Milliseconds(1));
}

OpenIscsi::Call OpenIscsi::begin(const Uuid& attachment) const {
  return Call{attachment, SystemClock().monotonic() + options_.limit, {}, false};
}

Result<KeyedLock::Guard> OpenIscsi::lock(const Uuid& attachment) {
  auto guard = locks_.acquire(attachment.str(), options_.limit);
  if (guard) return *std::move(guard);
  return fail(ErrorCode::overloaded, "the session of attachment " + attachment.str() +
                                         " is still being worked on; try again");
}

bool OpenIscsi::is_ours(const KernelSession& session) const {
  return session.interface == options_.records.interface &&
         attachment_of(session.target).has_value();
}

Result<std::optional<KernelSession>> OpenIscsi::find(const Uuid& attachment) const {
  auto all = kernel_.list();
  if (!all) return fail(all.error());
  for (KernelSession& session : *all) {
    if (is_ours(session) && attachment_of(session.target) == attachment) return std::move(session);
  }
  return std::nullopt;
}

Result<std::vector<wire::SessionStatus>> OpenIscsi::sessions() {
  auto all = kernel_.list();
  if (!all) return fail(all.error());
  const auto records = records_.list();
  if (!records) return fail(records.error());
  std::map<Uuid, std::int64_t> generations;
  for (const auto& [attachment, generation] : *records) generations[attachment] = generation;
  std::vector<wire::SessionStatus> statuses;
  for (const KernelSession& session : *all) {
    if (!is_ours(session)) continue;
    wire::SessionStatus status;
    status.attachment = *attachment_of(session.target);
    status.generation = generations[status.attachment];
    for (const ScsiDisk& disk : session.disks) {
      if (disk.block.empty()) continue;
      const std::string link =
          options_.by_path + "/" + by_path_name(session.portal, session.target, disk.lun);
      status.serial = disk.known_serial;
      status.path = scsi_->is_at(disk, link) ? link : "";
      status.size_bytes = disk.size_bytes;
    }
    statuses.push_back(std::move(status));
  }
  return statuses;
}

std::string OpenIscsi::link_of(const Wanted& wanted) const {
  return options_.by_path + "/" + by_path_name(wanted.portal, wanted.spec.iqn, wanted.spec.lun);
}

Result<std::string> OpenIscsi::linked_path(Call& call, const Wanted& wanted, const ScsiDisk& disk) {
  const std::string link = link_of(wanted);
  if (call.events.wait_until(call.deadline, [&] { return scsi_->is_at(disk, link); })) return link;
  // No letter instead of it: that would soon be another disk's.
  return fail(ErrorCode::node_unavailable, link + " does not show disk " + disk.address + " (" +
                                               disk.block + "); does systemd-udevd run?");
}

Result<void> OpenIscsi::prove_shown(const Uuid& attachment, const wire::SessionSpec& session) {
  auto portal = split_portal(session.portal);
  if (!portal) return fail(portal.error());
  auto guard = lock(attachment);
  if (!guard) return fail(guard.error());
  Call call = begin(attachment);
  const Wanted wanted{session, *std::move(portal)};
  const auto found = find(attachment);
  if (!found) return fail(found.error());
  const ScsiDisk* disk = *found ? (*found)->disk(session.lun) : nullptr;
  if (disk == nullptr || disk->block.empty()) {
    return fail(ErrorCode::not_found,
                "this node has no disk for attachment " + attachment.str() + " any more");
  }
  if (auto proven = prove(call, wanted, *disk); !proven) return proven;
  if (!scsi_->is_at(*disk, link_of(wanted))) {
    return fail(ErrorCode::conflict, link_of(wanted) + " leads to disk " + disk->address + " (" +
                                         disk->block + ") no longer");
  }
  const auto users = scsi_->users(*disk);
  if (!users) return fail(users.error());
  if (!users->empty()) return {};
  return fail(ErrorCode::conflict, "nobody uses disk " + disk->address + " (" + disk->block +
                                       "): the VM has been shown something else");
}

Result<wire::SessionStatus> OpenIscsi::refresh_size(const Uuid& attachment,
                                                    const wire::SessionSpec& session) {
  auto portal = split_portal(session.portal);
  if (!portal) return fail(portal.error());
  auto guard = lock(attachment);
  if (!guard) return fail(guard.error());
  Call call = begin(attachment);
  const Wanted wanted{session, *std::move(portal)};
  auto found = find(attachment);
  if (!found) return fail(found.error());
  if (!*found || (*found)->disk(session.lun) == nullptr) {
    return fail(ErrorCode::not_found,
                "this node has no session for attachment " + attachment.str());
  }
  if (auto done = scsi_->rescan(*(*found)->disk(session.lun), call.left()); !done) {
    return fail(done.error());
  }
  found = find(attachment);
  if (!found) return fail(found.error());
  if (!*found) {
    return fail(ErrorCode::node_unavailable, "the session has ended while its disk was looked at");
  }
  return status_of(call, wanted, **found);
}

}  // namespace vbs::vmm_delegate
