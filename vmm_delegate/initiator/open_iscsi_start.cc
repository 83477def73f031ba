// OpenIscsi: what is done before the first request.

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

Result<void> OpenIscsi::prepare(const IsRemoved& is_removed) {
  if (auto written = records_.write_interface(); !written) return written;
  const auto all = kernel_.list();
  if (!all) return fail(all.error());
  const auto records = records_.list();
  if (!records) return fail(records.error());
  std::set<Uuid> unrecorded;
  for (const KernelSession& session : *all) {
    if (is_ours(session)) unrecorded.insert(*attachment_of(session.target));
  }
  std::set<Uuid> ended;
  for (const NodeRecords::Found& record : *records) {
    if (!unrecorded.contains(record.attachment)) ended.insert(record.attachment);
  }
  for (const NodeRecords::Found& record : *records) unrecorded.erase(record.attachment);
  restore(ended, is_removed);
  sweep_sessions(unrecorded);
  return {};
}

void OpenIscsi::restore(const std::set<Uuid>& ended, const IsRemoved& is_removed) {
  const auto deadline = SystemClock().monotonic() + options_.restore_limit;
  std::set<std::string> silent;
  for (const Uuid& attachment : ended) {
    const auto session = records_.session(attachment);
    if (!session) {
      log::warning("a node record cannot be read",
                   {{"attachment", attachment.str()}, {"error", describe(session.error())}});
      continue;
    }
    if (!*session || is_removed(attachment)) {
      drop_record(attachment, *session ? "its attachment was removed" : "it is not complete");
      continue;
    }
    // One portal that does not answer must not take the time of the others.
    if (silent.contains((*session)->portal) || SystemClock().monotonic() >= deadline) {
      log::warning("a session is not brought back yet",
                   {{"attachment", attachment.str()}, {"portal", (*session)->portal}});
      continue;
    }
    const auto status = restore_one(attachment, **session, deadline);
    log::info("a session that has ended with this host or its initiator",
              {{"attachment", attachment.str()},
               {"outcome", status ? "logged in again" : describe(status.error())}});
    if (status) continue;
    const ErrorCode code = status.error().code;
    if (code == ErrorCode::node_unavailable) silent.insert((*session)->portal);
    if (is_final(code)) drop_record(attachment, "its target refuses");
  }
}

Result<wire::SessionStatus> OpenIscsi::restore_one(const Uuid& attachment,
                                                   const wire::SessionSpec& session,
                                                   MonotonicTime deadline) {
  auto portal = split_portal(session.portal);
  if (!portal) return fail(portal.error());
  auto guard = lock(attachment);
  if (!guard) return fail(guard.error());
  Call call = begin(attachment);
  call.deadline = std::min(call.deadline, deadline);
  call.restores = true;
  return log_in_during(call, {session, *std::move(portal)});
}

void OpenIscsi::drop_record(const Uuid& attachment, std::string_view why) {
  const auto found = find(attachment);
  // While there is a session, iscsid needs the record.
  if (!found || *found) return;
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
