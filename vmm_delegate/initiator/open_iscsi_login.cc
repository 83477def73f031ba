#include "common/fault_point.h"
#include "common/log.h"
#include "common/text.h"
#include "common/volume_serial.h"
#include "vmm_delegate/initiator/open_iscsi.h"

namespace vbs::vmm_delegate {
namespace {

/// Of every target that VBS makes: IET and tgtd know no other, and LIO's are made so.
constexpr std::uint32_t kPortalGroup = 1;
constexpr Milliseconds kConnectLimit{1'500};

/// Whether a login that failed so was answered by its portal.
bool was_answered(ErrorCode code) {
  return code == ErrorCode::forbidden || code == ErrorCode::not_found;
}

}  // namespace

Result<wire::SessionStatus> OpenIscsi::log_in(const Uuid& attachment,
                                              const wire::SessionSpec& session) {
  if (attachment_of(session.iqn) != attachment) {
    return fail_field("iqn", "must end with the attachment's id, got " + quote(session.iqn));
  }
  if (session.lun > kMaxLun) {
    return fail_field("lun", "must be 0 to 255, got " + std::to_string(session.lun));
  }
  auto portal = split_portal(session.portal);
  if (!portal) return fail(portal.error());
  auto guard = lock(attachment);
  if (!guard) return fail(guard.error());
  Call call = begin(attachment);
  return log_in_during(call, {session, *std::move(portal)});
}

Result<wire::SessionStatus> OpenIscsi::log_in_during(Call& call, const Wanted& wanted) {
  auto found = usable_session(call, wanted);
  if (!found) return fail(found.error());
  if (*found) {
    if (auto kept = records_.write(wanted.spec, wanted.portal, (*found)->portal_group); !kept) {
      return fail(kept.error());
    }
    return status_of(call, wanted, **found);
  }
  const auto made = make_session(call, wanted);
  if (!made) return fail(made.error());
  auto status = status_of(call, wanted, *made);
  const bool is_final = !status && (status.error().code == ErrorCode::conflict ||
                                    status.error().code == ErrorCode::not_found);
  if (!is_final) return status;
  // Nobody may come upon a disk that was refused, however long it took to find that out.
  if (auto undone = undo_login(call.attachment); !undone) {
    log::warning("a refused disk is still there",
                 {{"attachment", call.attachment.str()}, {"error", describe(undone.error())}});
  }
  return status;
}

Result<void> OpenIscsi::undo_login(const Uuid& attachment) {
  Call call = begin(attachment);
  // With the disk that it has got since it was made.
  const auto session = find(attachment);
  if (!session) return fail(session.error());
  if (*session) {
    if (auto ended = end_session(call, **session); !ended) return ended;
  }
  return records_.remove(attachment);
}

Result<std::optional<KernelSession>> OpenIscsi::usable_session(Call& call, const Wanted& wanted) {
  auto found = find(call.attachment);
  if (!found || !*found) return found;
  const auto is_good = [&] {
    return found && *found && (*found)->is_logged_in() && (*found)->portal == wanted.portal &&
           (*found)->target == wanted.spec.iqn;
  };
  // One that has lost its target may come back by itself, as after a restart of the target.
  const auto enough = std::min(call.deadline, SystemClock().monotonic() + options_.patience);
  const bool good = call.events.wait_until(enough, [&] {
    if (!is_good()) found = find(call.attachment);
    return is_good() || !found || !*found;
  });
  if (good) return found;
  log::warning("a session that cannot be used is replaced",
               {{"attachment", call.attachment.str()}, {"state", (*found)->state}});
  if (auto ended = end_session(call, **found); !ended) {
    if (ended.error().code != ErrorCode::conflict) return fail(ended.error());
    return fail(
        ErrorCode::node_unavailable,
        "the session is " + (*found)->state + " and its disk is in use: " + ended.error().message);
  }
  return std::optional<KernelSession>();
}

Result<std::uint32_t> OpenIscsi::portal_group(Call& call, const Wanted& wanted) {
  if (!options_.discovery) return kPortalGroup;
  const auto targets = iscsiadm_.discover(wanted.portal, call.deadline);
  if (!targets) return fail(targets.error());
  for (const DiscoveredTarget& target : *targets) {
    if (target.iqn == wanted.spec.iqn && target.portal == wanted.portal) return target.portal_group;
  }
  return fail(ErrorCode::not_found,
              "portal " + wanted.spec.portal + " does not tell of target " + wanted.spec.iqn);
}

Result<KernelSession> OpenIscsi::make_session(Call& call, const Wanted& wanted) {
  if (auto alive = portals_.check(wanted.portal, kConnectLimit); !alive) return fail(alive.error());
  const auto group = portal_group(call, wanted);
  if (!group) return fail(group.error());
  if (auto kept = records_.write_interface(); !kept) return fail(kept.error());
  if (auto kept = records_.write(wanted.spec, wanted.portal, *group); !kept) {
    return fail(kept.error());
  }
  fault_point("vmmd.log-in.after-record");
  const auto done = iscsiadm_.log_in(wanted.spec.iqn, wanted.portal, *group, call.deadline);
  fault_point("vmmd.log-in.after-session");
  // Whatever it said: the session is there or it is not.
  auto found = find(call.attachment);
  if (!found) return fail(found.error());
  if (*found && (*found)->is_logged_in()) {
    portals_.remember(wanted.portal, true);
    return **std::move(found);
  }
  if (done) return fail(ErrorCode::node_unavailable, "the session has ended at once");
  const ErrorCode code = done.error().code;
  portals_.remember(wanted.portal, was_answered(code) || code == ErrorCode::overloaded);
  const Error error = why_refused(call, wanted, done.error());
  // After a time-out iscsid may still be at it, and wants the record when it is restarted.
  const bool kept = code == ErrorCode::timeout || (call.restores && is_transient(error.code));
  if (!kept && !*found) {
    if (auto removed = records_.remove(call.attachment); !removed) return fail(removed.error());
  }
  return fail(error);
}

Error OpenIscsi::why_refused(Call& call, const Wanted& wanted, Error error) const {
  const std::string portal = "portal " + wanted.spec.portal;
  switch (error.code) {
    case ErrorCode::forbidden:
      error.message = portal + " refuses the CHAP user or secret: " + error.message;
      break;
    case ErrorCode::not_found: {
      // iscsiadm calls every refusal by the same name.
      const auto serial = options_.trial(wanted.spec, call.left());
      if (!serial) return serial.error();
      error = {ErrorCode::node_unavailable,
               portal + " refused the login once: " + error.message,
               {},
               {},
               {}};
      break;
    }
    case ErrorCode::node_unavailable:
      error.message = portal + " cannot be used: " + error.message;
      break;
    default:
      break;
  }
  return error;
}

Result<ScsiDisk> OpenIscsi::disk_of(Call& call, const Wanted& wanted,
                                    const KernelSession& session) {
  const std::uint32_t lun = wanted.spec.lun;
  const ScsiDisk* shown = session.disk(lun);
  if (shown != nullptr && !shown->block.empty()) return *shown;
  if (auto scanned = scsi_->scan(session.host, lun, call.left()); !scanned) {
    return fail(scanned.error());
  }
  Result<std::optional<KernelSession>> now = std::optional<KernelSession>();
  const auto is_settled = [&] {
    now = find(call.attachment);
    shown = now && *now ? (*now)->disk(lun) : nullptr;
    return shown == nullptr || !shown->block.empty();
  };
  const bool settled = call.events.wait_until(call.deadline, is_settled);
  if (!now) return fail(now.error());
  if (!*now || (*now)->sid != session.sid) {
    return fail(ErrorCode::node_unavailable, "the session has ended while its disk was awaited");
  }
  if (settled && shown != nullptr) return *shown;
  if (!(*now)->is_logged_in()) {
    return fail(ErrorCode::node_unavailable,
                "the session has lost its target while its disk was awaited");
  }
  if (shown != nullptr) {
    return fail(ErrorCode::timeout, "logical unit " + std::to_string(lun) + " of target " +
                                        wanted.spec.iqn + " has not become a disk in time");
  }
  return fail(ErrorCode::not_found,
              "target " + wanted.spec.iqn + " has no logical unit " + std::to_string(lun));
}

Result<void> OpenIscsi::prove(Call& call, const Wanted& wanted, const ScsiDisk& disk) {
  const auto serial = scsi_->serial(disk, call.left());
  if (!serial) return fail(serial.error());
  if (is_volume_serial(*serial, wanted.spec.volume)) return {};
  return fail(ErrorCode::conflict, "disk " + disk.address + " (" + disk.block + ") of target " +
                                       wanted.spec.iqn + " has the serial " + quote(*serial) +
                                       ", not the volume's " + wanted.spec.volume.str());
}

Result<wire::SessionStatus> OpenIscsi::status_of(Call& call, const Wanted& wanted,
                                                 const KernelSession& session) {
  const auto disk = disk_of(call, wanted, session);
  if (!disk) return fail(disk.error());
  // While udev works on its links.
  if (auto proven = prove(call, wanted, *disk); !proven) return fail(proven.error());
  auto path = linked_path(call, wanted, *disk);
  if (!path) return fail(path.error());
  return wire::SessionStatus{call.attachment, wanted.spec.volume.str(), *std::move(path),
                             wanted.spec.generation, disk->size_bytes};
}

}  // namespace vbs::vmm_delegate
