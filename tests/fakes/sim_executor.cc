#include "tests/fakes/sim_executor.h"

namespace vbs::fakes {

bool SimWorld::run_next() {
  if (tasks_.empty()) return false;
  auto first = tasks_.begin();
  now_ = first->first.first;
  keys_.erase(first->first.second);
  const Task task = std::move(first->second);
  tasks_.erase(first);
  task();
  return true;
}

bool SimWorld::run_until(const std::function<bool()>& done, Milliseconds limit) {
  const Milliseconds end = now_ + limit;
  while (!done()) {
    if (tasks_.empty() || tasks_.begin()->first.first > end) return false;
    run_next();
  }
  return true;
}

void SimWorld::run_for(Milliseconds time) {
  const Milliseconds end = now_ + time;
  while (!tasks_.empty() && tasks_.begin()->first.first <= end) run_next();
  now_ = end;
}

std::uint64_t SimWorld::add(Milliseconds delay, Task task) {
  const std::uint64_t id = next_++;
  const Key key{now_ + delay, id};
  tasks_.emplace(key, std::move(task));
  keys_.emplace(id, key);
  return id;
}

void SimWorld::remove(std::uint64_t id) {
  const auto entry = keys_.find(id);
  if (entry == keys_.end()) return;
  tasks_.erase(entry->second);
  keys_.erase(entry);
}

TimerId SimExecutor::post_after(Milliseconds delay, Task task) {
  return world_.add(delay, wrap(std::move(task)));
}

Task SimExecutor::wrap(Task task) const {
  return [life = std::weak_ptr(alive_), run = run_, task = std::move(task)] {
    if (!life.expired()) run(task);
  };
}

std::uint64_t SimRandom::step() {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

void SimRandom::fill(std::span<std::uint8_t> bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 8 == 0) word = step();
    bytes[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
  }
}

}  // namespace vbs::fakes
