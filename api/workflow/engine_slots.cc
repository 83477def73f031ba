// Each node works on few calls at a time; the others stand in its queue, those that give back
// ahead.

#include "api/workflow/engine.h"
#include "api/workflow/run.h"

namespace vbs::workflow {

bool Engine::take_slot(const RunPtr& run, const Facts& facts, const std::string& node) {
  NodeQueue& queue = nodes_[node];
  if (queue.under_way < options_.calls_per_node) {
    ++queue.under_way;
    stand_in(run, nullptr);
    return true;
  }
  const Workflow& workflow = *registry_.find(facts.operation.kind);
  const bool ahead =
      workflow.gives_back || facts.undoing() || step_in_work(workflow, facts).release;
  stand_in(run, ahead ? &queue.ahead : &queue.waiting);
  // Cancel and deadline do not stand in line.
  const WallTime now = clock_.wall();
  const bool late = facts.undoing() || facts.operation.deadline <= now;
  sleep(run, late ? options_.longest_retry
                  : std::chrono::ceil<Milliseconds>(facts.operation.deadline - now));
  return false;
}

void Engine::stand_in(const RunPtr& run, Line* line) {
  if (run->line == line) return;
  if (run->line != nullptr) std::erase(*run->line, run);
  if (line != nullptr) line->push_back(run);
  run->line = line;
}

Engine::RunPtr Engine::NodeQueue::pop() {
  Line& line = ahead.empty() ? waiting : ahead;
  if (line.empty()) return nullptr;
  RunPtr next = std::move(line.front());
  line.pop_front();
  next->line = nullptr;
  return next;
}

void Engine::release_slot(const std::string& node) {
  NodeQueue& queue = nodes_[node];
  --queue.under_way;
  while (queue.under_way < options_.calls_per_node) {
    const RunPtr next = queue.pop();
    if (!next) return;
    if (next->busy || !runs_.contains(next->id)) continue;  // it went another way meanwhile
    executor_.cancel(std::exchange(next->timer, 0));
    drive(next);
  }
}

}  // namespace vbs::workflow
