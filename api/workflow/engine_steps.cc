// The inside of one step: call, judge the answer, write down what it means.

#include <algorithm>

#include "api/workflow/engine.h"
#include "api/workflow/run.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "db/transitions.h"

namespace vbs::workflow {

namespace {

using db::OperationState;

constexpr Milliseconds kShownFor{2'000};  ///< what a node told while it was waited for

std::string point_of(const Workflow& workflow, const Facts& facts, std::string_view where) {
  return crash_point(workflow, facts.operation.step, facts.undoing(), where);
}

Milliseconds grown(Milliseconds first, int times, Milliseconds longest) {
  const int doublings = std::min(times, 20);
  return std::min(longest, first * (std::int64_t{1} << doublings));
}

/// What is written down of a node's progress.
struct Progress {
  bool told = false;  ///< what it tells is news
  bool made = false;  ///< and it is more than before
};

Progress progress_of(const Facts& facts, const Verdict& verdict) {
  if (!verdict.progress || facts.undoing()) return {};
  if (!facts.in_progress()) return {true, true};
  // Less than before: the node has begun again.
  const std::int64_t before = facts.number(kProgress);
  return {*verdict.progress != before, *verdict.progress > before};
}

/// A node that was not reached has done nothing, nor has one that lets another operation go first.
bool surely_not_done(const Verdict& verdict) {
  return verdict.kind == Verdict::Kind::retry &&
         (verdict.error.code == ErrorCode::node_unavailable ||
          verdict.error.code == ErrorCode::operation_in_progress);
}

/// Whether a refusal ends the way forward. A node refuses an order before it acts on it, so also
/// after answers that were lost a refusal on the order's own merits proves that nothing was done,
/// unless the node had accepted the order before. Then only its own word does.
bool refusal_stands(const Workflow& workflow, const Facts& facts, bool perhaps_done,
                    const Verdict& verdict) {
  if (facts.undoing()) return false;
  if (!perhaps_done && !past_no_return(workflow, facts.operation, facts)) return true;
  if (!step_in_work(workflow, facts).point_of_no_return) return false;
  if (verdict.nothing_done) return true;
  const ErrorCode code = verdict.error.code;
  return !facts.noted("accepted") &&
         (code == ErrorCode::conflict || code == ErrorCode::stale_generation);
}

struct StepDone {
  db::OperationEvent event;
  http::Response response;
  WallTime now{};
};

/// Writes down that the present step is made, and makes the steps that follow as long as they need
/// no call: they share its commit.
Result<void> record_made(db::Transaction& tx, const Workflow& workflow, const Facts& facts,
                         StepDone done) {
  db::OperationTable operations(tx.connection());
  const int count = static_cast<int>(workflow.steps.size());
  for (int i = facts.operation.step; i < count; ++i) {
    const Step& step = workflow.steps[static_cast<std::size_t>(i)];
    if (i > facts.operation.step) {
      if (step.make.call) return db::advance_operation(tx, facts.operation.seq, i, done.now);
      done.response = {};
      done.event = {0, done.now, std::string(step.name), "done", "", "", 0};
    }
    if (step.make.record) {
      if (auto ok = step.make.record(tx, facts, done.response, done.now); !ok) return ok;
    }
    operations.append_event(facts.operation.seq, done.event);
  }
  if (workflow.each_attachment_from && facts.more_attachments) {
    note(tx.connection(), facts.operation.seq, kTurn, json::Value(facts.number(kTurn) + 1));
    return db::advance_operation(tx, facts.operation.seq, *workflow.each_attachment_from, done.now);
  }
  return db::end_operation(tx, facts.operation.seq, OperationState::succeeded, done.now);
}

Result<void> record_undone(db::Transaction& tx, const Workflow& workflow, const Facts& facts,
                           StepDone done) {
  db::OperationTable operations(tx.connection());
  for (int i = facts.operation.step; i >= 0; --i) {
    const Step& step = workflow.steps[static_cast<std::size_t>(i)];
    if (i < facts.operation.step) {
      if (step.undo.call) return db::advance_undo(tx, facts.operation.seq, i, done.now);
      done.response = {};
      done.event = {0, done.now, std::string(step.name), "undone", "", "", 0};
    }
    if (step.undo.record) {
      if (auto ok = step.undo.record(tx, facts, done.response, done.now); !ok) return ok;
    }
    if (step.undo.call || step.undo.record)
      operations.append_event(facts.operation.seq, done.event);
  }
  const auto state =
      facts.operation.cancel_requested ? OperationState::cancelled : OperationState::failed;
  return db::end_operation(tx, facts.operation.seq, state, done.now);
}

}  // namespace

void Engine::act(const RunPtr& run, std::shared_ptr<const Facts> facts, const Action& action) {
  auto call = action.call ? action.call(*facts) : std::nullopt;
  if (!call) return complete(run, facts, {}, "");
  const std::string node = call->node;
  if (!take_slot(run, *facts, node)) return;
  const Workflow& workflow = *registry_.find(facts->operation.kind);
  fault_point(point_of(workflow, *facts, "before-act"));
  delegates_.call(std::move(*call),
                  [this, alive = std::weak_ptr(shared_), run, facts, &action, node](Answer answer) {
                    if (alive.expired()) return;
                    judge(run, facts, action, node, answer);
                    release_slot(node);
                  });
}

void Engine::judge(const RunPtr& run, std::shared_ptr<const Facts> facts, const Action& action,
                   const std::string& node, const Answer& answer) {
  const Workflow& workflow = *registry_.find(facts->operation.kind);
  fault_point(point_of(workflow, *facts, "after-act"));
  if (answer) run->unheard = false;
  Verdict verdict = action.judge ? action.judge(*facts, answer) : judge_removal(answer);
  if (verdict.error.node.empty()) verdict.error.node = node;
  if (verdict.kind == Verdict::Kind::refused) {
    if (refusal_stands(workflow, *facts, run->perhaps_done, verdict)) {
      run->perhaps_done = false;
    } else {
      verdict.kind = Verdict::Kind::retry;
    }
  } else if (!surely_not_done(verdict)) {
    run->perhaps_done |= !facts->undoing() && step_in_work(workflow, *facts).point_of_no_return;
  }
  switch (verdict.kind) {
    case Verdict::Kind::done:
      return complete(run, facts, answer ? *answer : http::Response{kNoAnswer, {}, {}, {}},
                      verdict.remark);
    case Verdict::Kind::wait:
      return look_again(run, *facts, verdict);
    case Verdict::Kind::retry:
      return try_again(run, *facts, verdict);
    case Verdict::Kind::refused:
      return turn_back(run, *facts, verdict.error, "failed");
  }
}

void Engine::complete(const RunPtr& run, std::shared_ptr<const Facts> facts,
                      http::Response response, std::string remark) {
  const Workflow& workflow = *registry_.find(facts->operation.kind);
  const bool backwards = facts->undoing();
  StepDone done;
  done.now = clock_.wall();
  done.response = std::move(response);
  const Step& step = step_in_work(workflow, *facts);
  const auto elapsed =
      std::chrono::duration_cast<Milliseconds>(clock_.monotonic() - run->step_started);
  done.event = {0,  done.now, std::string(step.name), backwards ? "undone" : "done",
                "", remark,   elapsed.count()};
  done.event.node = node_of(step, *facts);
  run->looks = 0;
  commit(
      run,
      [&workflow, facts, done = std::move(done), remark, backwards](db::Transaction& tx) {
        if (!remark.empty()) add_remark(tx.connection(), facts->operation.seq, remark);
        return backwards ? record_undone(tx, workflow, *facts, done)
                         : record_made(tx, workflow, *facts, done);
      },
      point_of(workflow, *facts, "after-commit"));
}

void Engine::look_again(const RunPtr& run, const Facts& facts, const Verdict& verdict) {
  const Workflow& workflow = *registry_.find(facts.operation.kind);
  const Milliseconds delay = grown(options_.first_look, run->looks, options_.longest_look);
  const MonotonicTime now = clock_.monotonic();
  const bool first = run->looks++ == 0;
  const Progress progress = progress_of(facts, verdict);
  Milliseconds shown_for = kShownFor;
  if (progress.made) shown_for = std::min(shown_for, workflow.patience / 4);
  if (!first && now - run->last_shown < shown_for) return sleep(run, delay);
  run->last_shown = now;

  const bool no_return = step_in_work(workflow, facts).point_of_no_return;
  const WallTime wall = clock_.wall();
  run->busy = true;
  database_.write(
      [=, seq = facts.operation.seq, remark = verdict.remark, done = verdict.progress.value_or(0),
       patience = workflow.patience, back = facts.undoing()](db::Transaction& tx) {
        if (no_return && !back) {
          note(tx.connection(), seq, "no_return", json::Value(true));
          note(tx.connection(), seq, "accepted", json::Value(true));
        }
        if (progress.told) note(tx.connection(), seq, kProgress, json::Value(done));
        if (progress.made) {
          if (auto ok = db::put_off_deadline(tx, seq, wall + patience); !ok) return ok;
        }
        return db::delay_operation(tx, seq, 0, remark, wall + delay, wall);
      },
      [this, alive = std::weak_ptr(shared_), run, delay](Result<void>) {
        if (!alive.expired()) sleep(run, delay);
      },
      executor_);
}

void Engine::try_again(const RunPtr& run, const Facts& facts, const Verdict& verdict) {
  ++shared_->counters.retries;
  const Workflow& workflow = *registry_.find(facts.operation.kind);
  const Step& step = step_in_work(workflow, facts);
  const int attempt = facts.operation.attempt + 1;
  Milliseconds delay = grown(options_.first_retry, attempt - 1, options_.longest_retry);
  // A random quarter keeps operations that failed together from coming back together.
  delay += Milliseconds(static_cast<std::int64_t>(
      random_.next() % static_cast<std::uint64_t>(delay.count() / 4 + 1)));
  const WallTime now = clock_.wall();
  const bool no_return = step.point_of_no_return && !facts.undoing() && !surely_not_done(verdict);
  if (!facts.undoing() && !run->perhaps_done && !past_no_return(workflow, facts.operation, facts) &&
      facts.operation.deadline > now) {
    delay = std::min(delay, std::chrono::ceil<Milliseconds>(facts.operation.deadline - now));
  }
  db::OperationEvent event{
      0, now, std::string(step.name), "retry", verdict.error.node, describe(verdict.error), 0};
  log::warning("step not settled", {{"operation", facts.operation.id.str()},
                                    {"step", event.step},
                                    {"attempt", std::int64_t{attempt}},
                                    {"error", event.message}});
  run->busy = true;
  database_.write(
      [=, seq = facts.operation.seq](db::Transaction& tx) {
        if (no_return) note(tx.connection(), seq, "no_return", json::Value(true));
        db::OperationTable(tx.connection()).append_event(seq, event);
        return db::delay_operation(tx, seq, attempt, event.message, now + delay, now);
      },
      [this, alive = std::weak_ptr(shared_), run, delay](Result<void>) {
        if (!alive.expired()) sleep(run, delay);
      },
      executor_);
}

}  // namespace vbs::workflow
