// detach-volume: the opposite order of attach-volume, each step observed before the next.
//
//   block-detach  VMM node       the guest let go of the device          <- point of no return
//   log-out       VMM node       no session
//   unexport      volume server  no target
//   record        database       closed
//
// With `force` a VMM node that does not answer is passed over: the volume server shuts it out
// instead, and the operation says what could not be proven. What the node still holds goes when it
// is back; until then an empty target answers its VM, which would otherwise wait for its disk. So
// is the log-out where the node is back by then, and uses the device still that it was not told to
// remove.

#include "api/workflow/calls.h"
#include "api/workflow/registry.h"
#include "db/transitions.h"

namespace vbs::workflow {

namespace {

constexpr int kTriesBeforePassingOver = 4;
constexpr const char* kPassedOver = "passed_over";

/// Whether a forced detach gives up waiting for the VMM node.
bool pass_over(const Facts& facts, const Verdict& verdict) {
  return facts.option("force") && is_last_try(facts, verdict, kTriesBeforePassingOver) &&
         (verdict.error.code == ErrorCode::node_unavailable ||
          verdict.error.code == ErrorCode::timeout);
}

Verdict not_proven(const Facts& facts, std::string_view why, std::string_view instead) {
  return {Verdict::Kind::done,
          {},
          "not proven: VMM node " + facts.attachment->vmm_node + " " + std::string(why) + "; " +
              std::string(instead)};
}

Verdict judge_on_vmm(const Facts& facts, const Answer& answer, std::string_view instead) {
  Verdict verdict = judge_removal(answer);
  if (verdict.kind == Verdict::Kind::wait) verdict.remark = "the guest to let go of the device";
  if (verdict.kind == Verdict::Kind::done) {
    // What the node could not know, such as whether the disk was mounted.
    if (const auto known = answer->headers.find("Vbs-Note")) verdict.remark = *known;
  }
  if (!pass_over(facts, verdict)) return verdict;
  return not_proven(facts, "did not answer", instead);
}

/// No answer is what a node that was passed over has given.
Result<void> note_if_passed_over(db::Transaction& tx, const Facts& facts,
                                 const http::Response& response, WallTime) {
  if (response.status == kNoAnswer) {
    note(tx.connection(), facts.operation.seq, kPassedOver, json::Value(true));
  }
  return {};
}

Step block_detach_step() {
  Step step{"block-detach", Place::vmm_node, {}, {}, true};
  step.make.call = [](const Facts& f) {
    return std::optional(delete_device(f, f.option("force")));
  };
  step.make.judge = [](const Facts& f, const Answer& answer) {
    return judge_on_vmm(f, answer,
                        "VM " + f.attachment->vm + " may still show the device, without data");
  };
  step.make.record = note_if_passed_over;
  return step;
}

Step log_out_step() {
  Step step{"log-out", Place::vmm_node, {}, {}};
  step.make.call = [](const Facts& f) { return std::optional(delete_session(f)); };
  step.make.judge = [](const Facts& f, const Answer& answer) {
    constexpr std::string_view kInstead = "its session is closed at the target instead";
    const Verdict verdict = judge_on_vmm(f, answer, kInstead);
    const bool used = verdict.kind == Verdict::Kind::refused &&
                      verdict.error.code == ErrorCode::conflict && f.noted(kPassedOver);
    if (!used) return verdict;
    // It is back since the device was to go, which therefore still holds the session.
    return not_proven(f, "still uses the device", kInstead);
  };
  step.make.record = note_if_passed_over;
  return step;
}

Step unexport_step() {
  Step step{"unexport", Place::volume_server, {}, {}};
  step.make.call = [](const Facts& f) {
    return std::optional(delete_export(f, f.option("force"), f.noted(kPassedOver)));
  };
  step.make.judge = [](const Facts&, const Answer& answer) {
    Verdict verdict = judge_removal(answer);
    // The initiator has been told to leave; the target may take a moment to notice.
    if (verdict.kind == Verdict::Kind::refused && verdict.error.code == ErrorCode::conflict) {
      return Verdict{Verdict::Kind::wait, {}, "the initiator's session to end"};
    }
    return verdict;
  };
  return step;
}

}  // namespace

Workflow detach_volume(const WorkflowSettings& settings) {
  Step record{"record", Place::database, {}, {}};
  record.make.record = [](db::Transaction& tx, const Facts& f, const http::Response&,
                          WallTime now) {
    return db::attachment_closed(tx, f.attachment->id, "detached", now);
  };
  Workflow workflow{"detach-volume",
                    {block_detach_step(), log_out_step(), unexport_step(), record},
                    settings.detach_deadline};
  workflow.gives_back = true;
  return workflow;
}

}  // namespace vbs::workflow
