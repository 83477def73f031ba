#include "common/fault_point.h"
#include "common/log.h"
#include "vmm_delegate/initiator/open_iscsi.h"
#include "vmm_delegate/joined.h"

namespace vbs::vmm_delegate {

Result<void> OpenIscsi::log_out(const Uuid& attachment) {
  auto guard = lock(attachment);
  if (!guard) return fail(guard.error());
  Call call = begin(attachment);
  const auto found = find(attachment);
  if (!found) return fail(found.error());
  if (*found) {
    if (auto ended = end_session(call, **found); !ended) return ended;
  }
  // Last: as long as there is a session, iscsid needs the record to bring it back.
  fault_point("vmmd.log-out.before-record");
  return records_.remove(attachment);
}

Result<void> OpenIscsi::end_session(Call& call, const KernelSession& session) {
  if (auto gone = let_go(call, session); !gone) return gone;
  fault_point("vmmd.log-out.after-device");
  return log_out_of(call, session.sid);
}

Result<void> OpenIscsi::let_go(Call& call, const KernelSession& session) {
  for (const ScsiDisk& disk : session.disks) {
    if (disk.block.empty()) continue;
    if (auto unused = check_unused(call, disk); !unused) return unused;
    if (!session.is_logged_in()) {
      log::warning("a disk is removed whose target does not answer; what it has not taken is lost",
                   {{"attachment", call.attachment.str()}, {"disk", disk.address}});
      continue;
    }
    if (auto kept = flush(call, disk); !kept) return kept;
  }
  // A logout would remove them too, but returns 0 even where one stays.
  for (const ScsiDisk& disk : session.disks) {
    if (auto removed = scsi_->remove(disk, call.left()); !removed) return removed;
  }
  return {};
}

Result<void> OpenIscsi::flush(Call& call, const ScsiDisk& disk) {
  auto flushed = scsi_->flush(disk, std::min(options_.flush_limit, call.left()));
  if (flushed || flushed.error().code != ErrorCode::node_unavailable) return flushed;
  const auto serial = scsi_->serial(disk, std::min(options_.flush_limit, call.left()));
  if (serial || serial.error().code != ErrorCode::not_found) return flushed;
  // As after a forced detach: nothing that is tried again can reach the volume any more.
  log::warning(
      "a disk is removed whose target has nothing behind it; what it has not taken is lost",
      {{"attachment", call.attachment.str()}, {"disk", disk.address}});
  return {};
}

Result<void> OpenIscsi::check_unused(Call& call, const ScsiDisk& disk) {
  // udev opens a disk for a moment after it has appeared.
  const auto enough = std::min(call.deadline, SystemClock().monotonic() + options_.patience);
  Result<std::vector<std::string>> users = std::vector<std::string>();
  call.events.wait_until(enough, [&] {
    users = scsi_->users(disk);
    return !users || users->empty();
  });
  if (!users) return fail(users.error());
  if (users->empty()) return {};
  return fail(ErrorCode::conflict,
              "disk " + disk.address + " (" + disk.block + ") is still used by " + joined(*users));
}

Result<void> OpenIscsi::log_out_of(Call& call, std::uint64_t sid) {
  Result<void> done;
  Result<bool> gone = false;
  const auto is_gone = [&] {
    gone = kernel_.is_gone(sid);
    return !gone || *gone;
  };
  // iscsid refuses while it connects anew to a target that it has lost, and takes it between two
  // attempts.
  do {
    done = iscsiadm_.log_out(sid, call.deadline);
    const auto soon = SystemClock().monotonic() + options_.patience;
    call.events.wait_until(done ? call.deadline : std::min(call.deadline, soon), is_gone);
  } while (gone && !*gone && !done && done.error().code == ErrorCode::node_unavailable &&
           call.left() > options_.patience);
  if (!gone) return fail(gone.error());
  if (*gone) return {};
  if (!done) return done;
  return fail(ErrorCode::timeout,
              "session " + std::to_string(sid) + " is still there after it was logged out");
}

}  // namespace vbs::vmm_delegate
