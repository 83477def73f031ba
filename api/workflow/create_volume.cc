// create-volume: empty, or a copy of a snapshot or of another volume. Both may move every byte of
// it, in line behind others: its deadline is for the volume server to begin.
//
//   reserve  database       the row, its name, the quota, its place (with the intent)
//   create   volume server  the volume is there, with its source's bytes
//   record   database       available

#include "api/workflow/calls.h"
#include "api/workflow/registry.h"
#include "db/transitions.h"

namespace vbs::workflow {

namespace {

std::string path_of(const Facts& facts) {
  return "/v1/volumes/" + facts.volume->id.str();
}

std::optional<api::DelegateCall> put_volume(const Facts& facts) {
  const db::Volume& v = *facts.volume;
  const wire::VolumeSpec spec{v.size_bytes, v.source_kind, v.source};
  return api::DelegateCall{v.node, http::Method::put, path_of(facts), {}, to_body(spec)};
}

Verdict judge_volume(const Facts& facts, const Answer& answer) {
  return judge_answer<wire::VolumeStatus>(
      answer, [&](const wire::VolumeStatus& status, Verdict verdict) {
        if (status.id != facts.volume->id || status.size_bytes != facts.volume->size_bytes) {
          return garbage("the volume answered is not the one that was asked for");
        }
        const bool empty = facts.volume->source_kind.empty();
        tell_progress(verdict, facts.volume->node, empty ? "fill it with zeros" : "copy",
                      status.copied_bytes, facts.volume->size_bytes);
        return verdict;
      });
}

}  // namespace

Workflow create_volume(const WorkflowSettings& settings) {
  Step reserve{"reserve", Place::database, {}, {}};
  reserve.undo.record = [](db::Transaction& tx, const Facts& f, const http::Response&,
                           WallTime now) { return db::volume_deleted(tx, f.volume->id, now); };

  Step create{"create", Place::volume_server, {}, {}};
  create.make.call = put_volume;
  create.make.judge = judge_volume;
  create.undo.call = [](const Facts& f) {
    return std::optional(api::DelegateCall{f.volume->node, http::Method::del, path_of(f), {}, ""});
  };

  Step record{"record", Place::database, {}, {}};
  record.make.record = [](db::Transaction& tx, const Facts& f, const http::Response&,
                          WallTime now) { return db::volume_available(tx, f.volume->id, now); };
  Workflow workflow{"create-volume", {reserve, create, record}, settings.create_deadline};
  workflow.patience = settings.copy_deadline;
  return workflow;
}

}  // namespace vbs::workflow
