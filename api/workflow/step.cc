#include "api/workflow/step.h"

#include "common/units.h"

namespace vbs::workflow {

std::string_view to_string(Place place) {
  switch (place) {
    case Place::database:
      return "database";
    case Place::volume_server:
      return "volume server";
    case Place::vmm_node:
      return "VMM node";
  }
  return "";
}

Verdict judge_by_status(const Answer& answer) {
  if (!answer) return {Verdict::Kind::retry, answer.error(), {}};
  const http::Response& response = *answer;
  if (response.status == 202) return {Verdict::Kind::wait, {}, {}};
  if (response.status >= 200 && response.status < 300) return {};
  Error error = http::error_of(response);
  const bool transient = is_transient(error.code) || error.code == ErrorCode::internal;
  return {transient ? Verdict::Kind::retry : Verdict::Kind::refused, std::move(error), {}};
}

namespace {

/// What the node said of an object whose bytes it wipes before it goes; "" if it is none.
std::string wiping(const http::Response& response) {
  const auto body = json::parse(response.body);
  if (!body) return "";
  json::Fields fields(*body);
  fields.ignore_unknown();
  const std::string state = fields.string("state");
  const std::uint64_t size_bytes = fields.uint64("size_bytes");
  const std::uint64_t wiped_bytes = fields.uint64("copied_bytes");
  if (!fields.finish() || state != "deleting") return "";
  return "being wiped: " + format_size(wiped_bytes) + " of " + format_size(size_bytes);
}

}  // namespace

Verdict judge_removal(const Answer& answer) {
  Verdict verdict = judge_by_status(answer);
  if (verdict.kind == Verdict::Kind::wait) verdict.remark = wiping(*answer);
  // Removing takes no room. What is full is where the node notes that it is gone, which it may be.
  if (verdict.error.code == ErrorCode::insufficient_space && verdict.kind == Verdict::Kind::refused)
    verdict.kind = Verdict::Kind::retry;
  if (verdict.kind != Verdict::Kind::done || answer->status == 204) return verdict;
  return {Verdict::Kind::retry,
          {ErrorCode::internal,
           "answered the order to remove something with status " + std::to_string(answer->status) +
               ", which is no proof that it is gone",
           {},
           {},
           {}},
          {}};
}

std::string node_of(const Step& step, const Facts& facts) {
  if (!facts.operation.node.empty()) return facts.operation.node;
  if (step.place == Place::vmm_node && facts.attachment) return facts.attachment->vmm_node;
  if (step.place != Place::volume_server) return "";
  if (facts.snapshot) return facts.snapshot->node;
  return facts.volume ? facts.volume->node : "";
}

const Step& step_in_work(const Workflow& workflow, const Facts& facts) {
  return workflow.steps[static_cast<std::size_t>(facts.operation.step)];
}

bool past_no_return(const Workflow& workflow, const db::Operation& operation, const Facts& facts) {
  if (facts.noted("no_return")) return true;
  for (int i = 0; i < operation.step && i < static_cast<int>(workflow.steps.size()); ++i) {
    if (workflow.steps[static_cast<std::size_t>(i)].point_of_no_return) return true;
  }
  return false;
}

int first_to_undo(const Workflow& workflow, int step) {
  const int last = static_cast<int>(workflow.steps.size()) - 1;
  if (step > last) step = last;
  for (int i = step; i <= last; ++i) {
    if (workflow.steps[static_cast<std::size_t>(i)].release) step = i;
  }
  return step;
}

std::string crash_point(const Workflow& workflow, int step, bool undoing, std::string_view where) {
  std::string name(workflow.kind);
  name += '.';
  name += workflow.steps[static_cast<std::size_t>(step)].name;
  name += undoing ? ".undo-" : ".";
  return name += where;
}

std::vector<std::string> crash_points(const Workflow& workflow) {
  const std::string kind(workflow.kind);
  std::vector<std::string> names{kind + ".intent.before-commit", kind + ".intent.after-commit"};
  const int count = static_cast<int>(workflow.steps.size());
  for (int i = 0; i < count; ++i) {
    // Steps in the database share the commit of the step before; only a first one has its own.
    const bool calls = workflow.steps[static_cast<std::size_t>(i)].make.call != nullptr;
    if (calls) names.push_back(crash_point(workflow, i, false, "before-act"));
    if (calls) names.push_back(crash_point(workflow, i, false, "after-act"));
    if (calls || i == 0) names.push_back(crash_point(workflow, i, false, "after-commit"));
  }
  for (int i = count - 1; i >= 0; --i) {
    if (!workflow.steps[static_cast<std::size_t>(i)].undo.call) continue;
    for (const char* where : {"before-act", "after-act", "after-commit"}) {
      names.push_back(crash_point(workflow, i, true, where));
    }
  }
  return names;
}

}  // namespace vbs::workflow
