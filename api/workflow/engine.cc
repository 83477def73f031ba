#include "api/workflow/engine.h"

#include <algorithm>

#include "api/workflow/run.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "db/transitions.h"

namespace vbs::workflow {

namespace {

using db::OperationState;

const Step& step_of(const Workflow& workflow, const db::Operation& operation) {
  return workflow.steps[static_cast<std::size_t>(operation.step)];
}

}  // namespace

Engine::Engine(db::Database& database, api::DelegateClient& delegates, const Registry& registry,
               const Clock& clock, Random& random, Executor& executor, EngineOptions options)
    : database_(database),
      delegates_(delegates),
      registry_(registry),
      clock_(clock),
      random_(random),
      executor_(executor),
      options_(options),
      shared_(std::make_shared<Shared>()) {}

Engine::~Engine() {
  for (auto& [id, run] : runs_) executor_.cancel(run->timer);
  for (auto& [id, watch] : watches_) executor_.cancel(watch->timer);
}

Result<void> Engine::start() {
  auto live = database_.read([](db::Connection& c) { return db::OperationTable(c).live(); });
  if (!live) return fail(live.error());
  for (const db::Operation& operation : *live) {
    log::info("operation resumed", {{"operation", operation.id.str()}, {"kind", operation.kind}});
    auto run = std::make_shared<Run>(operation.id);
    const Workflow* workflow = registry_.find(operation.kind);
    // It may have been sent before the restart; only the node can tell.
    run->perhaps_done = workflow && operation.state == OperationState::running &&
                        step_of(*workflow, operation).point_of_no_return;
    run->unheard = true;
    runs_.emplace(operation.id, run);
    drive(run);
  }
  return {};
}

void Engine::wake(const Uuid& operation) {
  executor_.post([this, alive = std::weak_ptr(shared_), operation] {
    if (alive.expired()) return;
    auto [entry, added] = runs_.try_emplace(operation, nullptr);
    if (added) entry->second = std::make_shared<Run>(operation);
    const RunPtr run = entry->second;
    if (run->busy) {
      run->poked = true;
      return;
    }
    executor_.cancel(std::exchange(run->timer, 0));
    drive(run);
  });
}

EngineCounters Engine::counters() const {
  EngineCounters counters = shared_->counters;
  counters.live = runs_.size();
  return counters;
}

void Engine::drive(const RunPtr& run) {
  run->busy = true;
  run->poked = false;
  auto facts = database_.read([&](db::Connection& c) {
    auto loaded = load_facts(c, run->id);
    if (loaded && loaded->attachment)
      loaded->chap_secret = db::AttachmentTable::open_secret(*loaded->attachment, database_.box());
    return loaded;
  });
  if (!facts) {
    log::error("cannot read an operation",
               {{"operation", run->id.str()}, {"error", describe(facts.error())}});
    return sleep(run, options_.longest_retry);
  }
  if (!*facts) {
    runs_.erase(run->id);
    return;
  }
  decide(run, std::move(**facts));
}

void Engine::decide(const RunPtr& run, Facts facts) {
  const db::Operation& operation = facts.operation;
  if (operation.ended_at) {
    if (run->live) return finish(run, operation);
    runs_.erase(run->id);
    return;
  }
  run->live = true;
  const Workflow* workflow = registry_.find(operation.kind);
  if (!workflow) {
    log::error("operation of a kind that this version does not know is left alone",
               {{"operation", operation.id.str()}, {"kind", operation.kind}});
    return sleep(run, options_.longest_retry);
  }
  auto shared = std::make_shared<const Facts>(std::move(facts));
  run->step_started = clock_.monotonic();
  if (shared->undoing()) return undo_step(run, shared);

  if (!run->perhaps_done && !past_no_return(*workflow, shared->operation, *shared)) {
    if (shared->operation.cancel_requested) {
      return turn_back(run, *shared, {ErrorCode::conflict, "cancelled on request", {}, {}, {}},
                       "cancel");
    }
    // A node may have gone on while nobody asked: it is heard before the time is said to be up.
    const bool heard = !run->unheard || !shared->in_progress();
    if (heard && clock_.wall() >= shared->operation.deadline) {
      Error error{ErrorCode::timeout, "not settled before its deadline", {}, {}, {}};
      error.node = node_of(step_of(*workflow, shared->operation), *shared);
      if (!shared->operation.waiting_for.empty())
        error.message += "; last: " + shared->operation.waiting_for;
      return turn_back(run, *shared, error, "deadline");
    }
  }
  make_step(run, shared);
}

void Engine::make_step(const RunPtr& run, std::shared_ptr<const Facts> facts) {
  const Workflow& workflow = *registry_.find(facts->operation.kind);
  act(run, facts, step_of(workflow, facts->operation).make);
}

void Engine::undo_step(const RunPtr& run, std::shared_ptr<const Facts> facts) {
  const Workflow& workflow = *registry_.find(facts->operation.kind);
  act(run, facts, step_of(workflow, facts->operation).undo);
}

void Engine::turn_back(const RunPtr& run, const Facts& facts, const Error& error,
                       std::string_view what) {
  const Workflow& workflow = *registry_.find(facts.operation.kind);
  const int first = first_to_undo(workflow, facts.operation.step);
  db::OperationEvent event;
  event.at = clock_.wall();
  event.step = step_of(workflow, facts.operation).name;
  event.what = what;
  event.node = error.node;
  event.message = describe(error);
  log::warning("operation is undone", {{"operation", facts.operation.id.str()},
                                       {"kind", facts.operation.kind},
                                       {"step", event.step},
                                       {"error", event.message}});
  commit(
      run,
      [=, seq = facts.operation.seq](db::Transaction& tx) -> Result<void> {
        db::OperationTable(tx.connection()).append_event(seq, event);
        return db::begin_undo(tx, seq, first, error, event.at);
      },
      facts.operation.kind + "." + event.step + ".turned-back");
}

void Engine::commit(const RunPtr& run, Job job, std::string point) {
  database_.write(
      std::move(job),
      [this, alive = std::weak_ptr(shared_), run, point](Result<void> written) {
        if (alive.expired()) return;
        if (!written) {
          log::error("cannot write the journal",
                     {{"operation", run->id.str()}, {"error", describe(written.error())}});
          return sleep(run, options_.longest_retry / 10);
        }
        if (!point.empty()) fault_point(point);
        drive(run);
      },
      executor_);
}

void Engine::sleep(const RunPtr& run, Milliseconds delay) {
  run->busy = false;
  if (run->poked) delay = Milliseconds(0);
  run->timer = executor_.post_after(delay, [this, alive = std::weak_ptr(shared_), run] {
    if (alive.expired() || run->busy) return;
    run->timer = 0;
    drive(run);
  });
}

void Engine::finish(const RunPtr& run, const db::Operation& operation) {
  runs_.erase(run->id);
  auto& counters = shared_->counters;
  if (operation.state == OperationState::succeeded) ++counters.succeeded;
  if (operation.state == OperationState::failed) ++counters.failed;
  if (operation.state == OperationState::cancelled) ++counters.cancelled;
  log::info("operation ended",
            {{"operation", operation.id.str()},
             {"kind", operation.kind},
             {"state", db::to_string(operation.state)},
             {"elapsed_ms", to_millis(*operation.ended_at) - to_millis(operation.created_at)}});
  auto [first, last] = watches_.equal_range(operation.id);
  std::vector<std::shared_ptr<Watch>> told;
  for (auto entry = first; entry != last; ++entry) told.push_back(entry->second);
  watches_.erase(first, last);
  for (const auto& watch : told) {
    executor_.cancel(watch->timer);
    watch->watcher(operation);
  }
}

void Engine::watch(const Uuid& operation, Milliseconds limit, Watcher watcher) {
  executor_.post([this, alive = std::weak_ptr(shared_), operation, limit,
                  watcher = std::move(watcher)] {
    if (alive.expired()) return watcher(std::nullopt);
    auto now =
        database_.read([&](db::Connection& c) { return db::OperationTable(c).find(operation); });
    if (!now || !*now || (*now)->ended_at) return watcher(now ? *now : std::nullopt);
    auto watch = std::make_shared<Watch>(Watch{watcher, 0});
    auto entry = watches_.emplace(operation, watch);
    watch->timer = executor_.post_after(limit, [this, alive, watch, entry] {
      if (alive.expired()) return;
      watches_.erase(entry);
      watch->watcher(std::nullopt);
    });
  });
}

}  // namespace vbs::workflow
