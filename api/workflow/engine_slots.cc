// Each node works on few calls at a time; the others stand in its queue, those that give back
// ahead.

#include "api/workflow/engine.h"
#include "api/workflow/run.h"

namespace vbs::workflow {

bool Engine::take_slot(const RunPtr& run, const Facts& facts, const std::string& node) {
  NodeQueue& queue = nodes_[node];
  if (queue.under_way < options_.calls_per_node) {
    ++queue.under_way;
    return true;
  }
  const Workflow& workflow = *registry_.find(facts.operation.kind);
  const bool ahead =
      workflow.gives_back || facts.undoing() || step_in_work(workflow, facts).release;
  if (!run->queued) (ahead ? queue.ahead : queue.waiting).push_back(run);
  run->queued = true;
  // Cancel and deadline do not stand in line.
  const WallTime now = clock_.wall();
  const bool late = facts.undoing() || facts.operation.deadline <= now;
  sleep(run, late ? options_.longest_retry
                  : std::chrono::ceil<Milliseconds>(facts.operation.deadline - now));
  return false;
}

Engine::RunPtr Engine::NodeQueue::pop() {
  std::deque<RunPtr>& line = ahead.empty() ? waiting : ahead;
  if (line.empty()) return nullptr;
  RunPtr next = std::move(line.front());
  line.pop_front();
  return next;
}

void Engine::release_slot(const std::string& node) {
  NodeQueue& queue = nodes_[node];
  --queue.under_way;
  while (queue.under_way < options_.calls_per_node) {
    const RunPtr next = queue.pop();
    if (!next) return;
    next->queued = false;
    if (next->busy || !runs_.contains(next->id)) continue;  // it went another way meanwhile
    executor_.cancel(std::exchange(next->timer, 0));
    drive(next);
  }
}

}  // namespace vbs::workflow
