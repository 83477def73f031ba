// modify-volume: a volume grows, also while VMs use it. Nothing shrinks.
//
// clang-format off
//   reserve       database       the wanted size, its quota and its room (with the intent)
//   extend        volume server  the store has the size, and so has the row   <- point of no return
//   export-size   volume server  the target shows it to its initiators
//   session-size  VMM node       the host's device has it, where the host is the initiator
//   device-size   VMM node       the VM's device has it
// clang-format on
//
// The last three are made for each attachment in turn. A layer that cannot be told within about a
// minute is passed over with a note; what it shows is then for the reconciler to mend.

#include "api/workflow/calls.h"
#include "api/workflow/registry.h"
#include "db/transitions.h"

namespace vbs::workflow {

namespace {

std::uint64_t wanted_bytes(const Facts& facts) {
  return facts.volume->wanted_bytes.value_or(facts.volume->size_bytes);
}

/// Whether the store itself has refused to grow the volume: asked again for what it has done, it
/// would not. Other refusals, such as one of whoever asks, say nothing about the volume.
bool is_of_store(const Error& error) {
  return error.code == ErrorCode::insufficient_space ||
         (error.code == ErrorCode::invalid_field && error.field == "size_bytes");
}

Verdict judge_extend(const Facts& facts, const Answer& answer) {
  Verdict verdict = judge_answer<wire::VolumeStatus>(answer, [&](const wire::VolumeStatus& status,
                                                                 Verdict settled) {
    tell_progress(settled, facts.volume->node, "fill what is new with zeros", status.copied_bytes,
                  wanted_bytes(facts));
    const bool at_work = settled.kind == Verdict::Kind::wait;
    if (status.id == facts.volume->id && (at_work || status.size_bytes == wanted_bytes(facts))) {
      return settled;
    }
    return garbage("the volume answered is not the one that was asked for");
  });
  verdict.nothing_done = verdict.kind == Verdict::Kind::refused && is_of_store(verdict.error);
  return verdict;
}

Step extend_step() {
  Step step{"extend", Place::volume_server, {}, {}, true};
  step.make.call = [](const Facts& f) {
    const wire::VolumeSizeSpec spec{wanted_bytes(f)};
    return std::optional(api::DelegateCall{f.volume->node,
                                           http::Method::put,
                                           "/v1/volumes/" + f.volume->id.str() + "/size",
                                           {},
                                           to_body(spec)});
  };
  step.make.judge = judge_extend;
  step.make.record = [](db::Transaction& tx, const Facts& f, const http::Response&, WallTime now) {
    return db::volume_grown(tx, f.volume->id, now);
  };
  return step;
}

}  // namespace

Workflow modify_volume(const WorkflowSettings& settings) {
  Step reserve{"reserve", Place::database, {}, {}};
  reserve.undo.record = [](db::Transaction& tx, const Facts& f, const http::Response&,
                           WallTime now) { return db::volume_not_grown(tx, f.volume->id, now); };

  Workflow workflow{
      "modify-volume",
      {reserve, extend_step(), export_size_step(), session_size_step(), device_size_step()},
      settings.modify_deadline};
  workflow.each_attachment_from = 2;
  workflow.patience = settings.copy_deadline;
  return workflow;
}

}  // namespace vbs::workflow
