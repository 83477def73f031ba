// The steps that show a volume's new size: the target to its initiators, a host to its VMs, a VM to
// its guest. modify-volume and repair-attachment share them.

#include "api/workflow/calls.h"

namespace vbs::workflow {

namespace {

constexpr const char* kPassedOver = "passed_over";
constexpr unsigned kNoContent = 204;

bool passed_over(const Facts& facts) {
  return facts.text(kPassedOver) == facts.attachment->id.str();
}

/// Nothing to show where there is no attachment, nor behind a layer that could not be told.
std::function<std::optional<api::DelegateCall>(const Facts&)> unless_passed_over(
    api::DelegateCall (*make)(const Facts&)) {
  return [make](const Facts& f) -> std::optional<api::DelegateCall> {
    if (!f.attachment || passed_over(f)) return std::nullopt;
    return make(f);
  };
}

/// The store has the size, so that nothing can be taken back; whoever could not be shown it has the
/// old size until a sweep of the reconciler succeeds, or until the volume is attached anew.
Verdict pass_over(const Facts& facts, Verdict verdict) {
  if (!is_last_try(facts, verdict) && verdict.kind != Verdict::Kind::refused) return verdict;
  const db::Attachment& a = *facts.attachment;
  return {
      Verdict::Kind::done,
      {},
      "VM " + a.vm + " may still see the old size of " + a.device + ": " + describe(verdict.error)};
}

Result<void> note_if_passed_over(db::Transaction& tx, const Facts& facts,
                                 const http::Response& response, WallTime) {
  if (response.status >= 200 && response.status < 300) return {};
  note(tx.connection(), facts.operation.seq, kPassedOver, json::Value(facts.attachment->id.str()));
  return {};
}

/// Done when the answer is about this attachment and shows the size, if it shows any. A device may
/// be larger than its volume: stores give out whole extents.
template <class Status>
Verdict judge_size(const Facts& facts, const Answer& answer) {
  return pass_over(facts, judge_answer<Status>(answer, [&](const Status& status, Verdict verdict) {
                     const bool shown =
                         status.size_bytes == 0 || status.size_bytes >= facts.volume->size_bytes;
                     if (status.attachment == facts.attachment->id && shown) return verdict;
                     return garbage("the size answered is not the one that was asked for");
                   }));
}

template <class Status>
Step size_step(std::string_view name, Place place, api::DelegateCall (*call)(const Facts&)) {
  Step step{name, place, {}, {}};
  step.make.call = unless_passed_over(call);
  step.make.judge = judge_size<Status>;
  step.make.record = note_if_passed_over;
  return step;
}

}  // namespace

Step export_size_step() {
  return size_step<wire::ExportStatus>("export-size", Place::volume_server, put_export_size);
}

Step session_size_step() {
  return size_step<wire::SessionStatus>("session-size", Place::vmm_node, put_session_size);
}

Step device_size_step() {
  Step step = size_step<wire::DeviceStatus>("device-size", Place::vmm_node, put_device_size);
  step.make.judge = [](const Facts& f, const Answer& answer) {
    // The VM is off: it finds the size when it starts.
    if (answer && answer->status == kNoContent) return Verdict{};
    return judge_size<wire::DeviceStatus>(f, answer);
  };
  return step;
}

}  // namespace vbs::workflow
