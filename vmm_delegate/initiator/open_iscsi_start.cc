// OpenIscsi: sessions that have ended without an order, before the first request and later.

#include "common/log.h"
#include "vmm_delegate/initiator/open_iscsi.h"

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kSweepLimit{20'000};

bool is_final(ErrorCode code) {
  return code == ErrorCode::forbidden || code == ErrorCode::not_found ||
         code == ErrorCode::conflict;
}

}  // namespace

Result<void> OpenIscsi::prepare(IsRemoved is_removed) {
  is_removed_ = std::move(is_removed);
  if (auto written = records_.write_interface(); !written) return written;
  const auto unrecorded = compare();
  if (!unrecorded) return fail(unrecorded.error());
  restore();
  sweep_sessions(*unrecorded);
  return {};
}

void OpenIscsi::bring_back() {
  if (SystemClock().monotonic() < restore_again_) return;
  if (const auto done = compare(); !done) {
    log::warning("sessions cannot be listed", {{"error", describe(done.error())}});
  }
  restore();
}

Result<std::set<Uuid>> OpenIscsi::compare() {
  const auto records = records_.list();
  if (!records) return fail(records.error());
  const auto all = kernel_.list();
  if (!all) return fail(all.error());
  std::set<Uuid> unrecorded;
  for (const KernelSession& session : *all) {
    if (is_ours(session)) unrecorded.insert(*attachment_of(session.target));
  }
  for (const NodeRecords::Found& record : *records) {
    if (unrecorded.erase(record.attachment) > 0) continue;
    // An order that is at work has its session in a moment, or its record no longer.
    const auto idle = locks_.acquire(record.attachment.str(), Milliseconds(0));
    const auto session = find(record.attachment);
    if (idle && session && !*session) ended_.insert(record.attachment);
  }
  return unrecorded;
}

void OpenIscsi::restore() {
  const auto deadline = SystemClock().monotonic() + options_.restore_limit;
  std::set<std::string> silent;
  std::erase_if(ended_,
                [&](const Uuid& attachment) { return restore_one(attachment, deadline, silent); });
  restore_again_ = SystemClock().monotonic() + options_.restore_pause;
}

bool OpenIscsi::restore_one(const Uuid& attachment, MonotonicTime deadline,
                            std::set<std::string>& silent) {
  // Orders may come meanwhile: what they leave is read when none is at work.
  const auto guard = lock(attachment);
  if (!guard) return false;
  const auto session = records_.session(attachment);
  if (!session) {
    log::warning("a node record cannot be read",
                 {{"attachment", attachment.str()}, {"error", describe(session.error())}});
    return false;
  }
  if (!*session || is_removed_(attachment)) {
    drop_record(attachment, *session ? "its attachment was removed" : "it is not complete");
    return true;
  }
  // One portal that does not answer must not take the time of the others.
  if (silent.contains((*session)->portal) || SystemClock().monotonic() >= deadline) {
    log::warning("a session is not brought back yet",
                 {{"attachment", attachment.str()}, {"portal", (*session)->portal}});
    return false;
  }
  const auto status = log_in_again(attachment, **session, deadline);
  log::info("a session that has ended with this host or its initiator",
            {{"attachment", attachment.str()},
             {"outcome", status ? "logged in again" : describe(status.error())}});
  if (status) return true;
  const ErrorCode code = status.error().code;
  if (code == ErrorCode::node_unavailable) silent.insert((*session)->portal);
  if (!is_final(code)) return false;
  // One that came late, and shows another volume, goes too.
  const auto undone = undo_login(attachment);
  log::warning(
      undone ? "a node record whose target refuses is removed"
             : "a session whose target refuses cannot be ended yet",
      {{"attachment", attachment.str()}, {"error", undone ? "" : describe(undone.error())}});
  return undone.has_value();
}

Result<wire::SessionStatus> OpenIscsi::log_in_again(const Uuid& attachment,
                                                    const wire::SessionSpec& session,
                                                    MonotonicTime deadline) {
  auto portal = split_portal(session.portal);
  if (!portal) return fail(portal.error());
  Call call = begin(attachment);
  call.deadline = std::min(call.deadline, deadline);
  call.restores = true;
  return log_in_during(call, {session, *std::move(portal)});
}

void OpenIscsi::drop_record(const Uuid& attachment, std::string_view why) {
  // While there is a session, iscsid needs the record.
  if (const auto found = find(attachment); !found || *found) return;
  const auto removed = records_.remove(attachment);
  log::warning(removed ? "a node record without a session is removed"
                       : "a node record without a session cannot be removed",
               {{"attachment", attachment.str()},
                {"reason", why},
                {"error", removed ? "" : describe(removed.error())}});
}

void OpenIscsi::sweep_sessions(const std::set<Uuid>& unrecorded) {
  const auto deadline = SystemClock().monotonic() + kSweepLimit;
  for (const Uuid& attachment : unrecorded) {
    if (SystemClock().monotonic() >= deadline) return;
    const auto done = log_out(attachment);
    log::warning("a session without a node record, which iscsid could not bring back",
                 {{"attachment", attachment.str()},
                  {"outcome", done ? "logged out" : describe(done.error())}});
  }
}

}  // namespace vbs::vmm_delegate
