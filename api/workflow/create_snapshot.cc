// create-snapshot, also of a volume that a VM writes to.
//
//   reserve   database       the row, its name, the quota (with the intent)
//   estimate  volume server  how long the store will need; too long for a running guest is refused
//   freeze    VMM node       the guest's writes are held still, under a lease
//   copy      volume server  the snapshot is there
//   thaw      VMM node       the guest goes on; a lease that ran out before makes the snapshot
//                            worthless
//   record    database       available, with the consistency that was reached
//
// The three steps in the middle make no call while no VM writes to the volume. Its VMM node is done
// without when it does not answer: a guest that is held after all is let go by its lease, so that
// no volume has to stay locked for as long as the node is down.

#include <algorithm>

#include "api/workflow/calls.h"
#include "api/workflow/registry.h"
#include "common/units.h"
#include "db/transitions.h"

namespace vbs::workflow {

namespace {

constexpr const char* kMayBeHeld = "may_be_held";
constexpr unsigned kNoContent = 204;
constexpr const char* kAdvice = "; try again, or detach the volume first";
constexpr const char* kDiscarded =
    "the guest could not be held still until the copy was complete, so the copy is discarded";

Verdict refused(ErrorCode code, std::string message) {
  return {Verdict::Kind::refused, {code, std::move(message), {}, {}, {}}, {}};
}

std::string freeze_path(const Facts& f) {
  return "/v1/freezes/" + f.operation.id.str();
}
std::string snapshot_path(const Facts& f) {
  return "/v1/snapshots/" + f.snapshot->id.str();
}

/// The attachment that writes, if there is one, was stored with the intent.
bool written_to(const Facts& facts) {
  return facts.attachment.has_value();
}

Step estimate_step(Milliseconds longest_pause) {
  Step step{"estimate", Place::volume_server, {}, {}};
  step.make.call = [](const Facts& f) -> std::optional<api::DelegateCall> {
    if (!written_to(f)) return std::nullopt;
    return api::DelegateCall{
        f.volume->node, http::Method::get, "/v1/volumes/" + f.volume->id.str(), {}, ""};
  };
  step.make.judge = [longest_pause](const Facts&, const Answer& answer) {
    return judge_answer<wire::VolumeStatus>(
        answer, [&](const wire::VolumeStatus& status, Verdict verdict) {
          if (status.snapshot_estimate_ms <= longest_pause.count()) return verdict;
          return refused(
              ErrorCode::conflict,
              "the guest would have to pause for about " +
                  format_duration(status.snapshot_estimate_ms) + ", longer than the " +
                  format_duration(longest_pause.count()) +
                  " that are allowed; detach the volume first, or keep volumes on a file system "
                  "with reflinks (XFS, Btrfs)");
        });
  };
  step.make.record = [](db::Transaction& tx, const Facts& f, const http::Response& response,
                        WallTime) -> Result<void> {
    if (!written_to(f)) return {};
    auto status = read_answer<wire::VolumeStatus>(response);
    if (!status) return fail(status.error());
    note(tx.connection(), f.operation.seq, "estimate_ms",
         json::Value(status->snapshot_estimate_ms));
    // The next call may hold the guest, whatever is heard of it.
    note(tx.connection(), f.operation.seq, kMayBeHeld, json::Value(true));
    return {};
  };
  return step;
}

/// Twice what the copy should take, because stores and estimates differ; never more than the
/// longest pause and the margin, whatever the estimate.
std::int64_t lease_ms(const WorkflowSettings& settings, std::int64_t estimate_ms) {
  const std::int64_t pause = std::min(2 * estimate_ms, settings.longest_pause.count());
  return std::min(pause + settings.lease_margin.count(), wire::kLongestLeaseMs);
}

Step freeze_step(const WorkflowSettings& settings) {
  Step step{"freeze", Place::vmm_node, {}, {}};
  step.make.call = [settings](const Facts& f) -> std::optional<api::DelegateCall> {
    if (!written_to(f)) return std::nullopt;
    const std::int64_t estimate = f.number("estimate_ms");
    const wire::FreezeSpec spec{f.attachment->vm, lease_ms(settings, estimate), estimate > 0,
                                f.attachment->vm_uuid};
    return api::DelegateCall{
        f.attachment->vmm_node, http::Method::put, freeze_path(f), {}, to_body(spec)};
  };
  step.make.judge = [](const Facts& f, const Answer& answer) {
    Verdict verdict = judge_answer<wire::FreezeStatus>(
        answer, [](const wire::FreezeStatus& status, Verdict settled) {
          if (status.state == "frozen") return settled;
          if (status.state == "off") {
            settled.remark = "the VM is not running: nothing to hold still";
            return settled;
          }
          return refused(ErrorCode::conflict, "the guest could not be held still in time");
        });
    if (is_last_try(f, verdict)) verdict.kind = Verdict::Kind::refused;
    if (verdict.kind == Verdict::Kind::refused) verdict.error.message += kAdvice;
    return verdict;
  };
  step.make.record = [](db::Transaction& tx, const Facts& f, const http::Response& response,
                        WallTime) -> Result<void> {
    auto status = read_answer<wire::FreezeStatus>(response);
    const std::string reached = !written_to(f) ? "offline" : status ? status->consistency : "crash";
    db::SnapshotTable(tx.connection()).set_consistency(f.snapshot->id, reached);
    const bool frozen = status && status->state == "frozen";
    if (frozen) note(tx.connection(), f.operation.seq, "frozen", json::Value(true));
    return {};
  };
  return step;
}

Step copy_step() {
  Step step{"copy", Place::volume_server, {}, {}};
  step.make.call = [](const Facts& f) {
    const wire::SnapshotSpec spec{f.volume->id};
    return std::optional(api::DelegateCall{
        f.snapshot->node, http::Method::put, snapshot_path(f), {}, to_body(spec)});
  };
  step.make.judge = [](const Facts& f, const Answer& answer) {
    return judge_answer<wire::SnapshotStatus>(answer, [&](const wire::SnapshotStatus& status,
                                                          Verdict verdict) {
      if (status.id != f.snapshot->id || status.volume != f.snapshot->volume) {
        return garbage("the snapshot answered is not the one that was asked for");
      }
      tell_progress(verdict, f.snapshot->node, "copy", status.copied_bytes, f.snapshot->size_bytes);
      return verdict;
    });
  };
  step.undo.call = [](const Facts& f) {
    return std::optional(
        api::DelegateCall{f.snapshot->node, http::Method::del, snapshot_path(f), {}, ""});
  };
  return step;
}

api::DelegateCall thaw(const Facts& f) {
  return {f.attachment->vmm_node, http::Method::del, freeze_path(f), {}, ""};
}

/// Also the first thing that undoing does, as soon as `freeze` may have been sent: no guest waits
/// for a volume server.
Step thaw_step() {
  Step step{"thaw", Place::vmm_node, {}, {}};
  step.release = true;
  step.make.call = [](const Facts& f) {
    return f.noted("frozen") ? std::optional(thaw(f)) : std::nullopt;
  };
  step.make.judge = [](const Facts& f, const Answer& answer) {
    const Verdict lost = refused(ErrorCode::timeout, std::string(kDiscarded) + kAdvice);
    // The node knows nothing of the freeze any more, so nobody knows whether it held.
    if (answer && answer->status == kNoContent) return lost;
    const Verdict verdict = judge_answer<wire::FreezeStatus>(
        answer, [&](const wire::FreezeStatus& status, const Verdict& settled) {
          return status.state == "thawed" ? settled : lost;
        });
    return is_last_try(f, verdict) ? lost : verdict;
  };
  step.undo.call = [](const Facts& f) {
    return f.noted(kMayBeHeld) ? std::optional(thaw(f)) : std::nullopt;
  };
  step.undo.judge = [](const Facts& f, const Answer& answer) {
    const Verdict verdict = judge_by_status(answer);
    if (!is_last_try(f, verdict)) return verdict;
    return Verdict{
        Verdict::Kind::done, {}, "the guest was left to its lease: " + describe(verdict.error)};
  };
  return step;
}

}  // namespace

Workflow create_snapshot(const WorkflowSettings& settings) {
  Step reserve{"reserve", Place::database, {}, {}};
  reserve.undo.record = [](db::Transaction& tx, const Facts& f, const http::Response&,
                           WallTime now) { return db::snapshot_deleted(tx, f.snapshot->id, now); };

  Step record{"record", Place::database, {}, {}};
  record.make.record = [](db::Transaction& tx, const Facts& f, const http::Response&,
                          WallTime now) { return db::snapshot_available(tx, f.snapshot->id, now); };
  Workflow workflow{"create-snapshot",
                    {reserve, estimate_step(settings.longest_pause), freeze_step(settings),
                     copy_step(), thaw_step(), record},
                    settings.copy_deadline};
  workflow.patience = settings.copy_deadline;
  return workflow;
}

}  // namespace vbs::workflow
