#include "tests/sim/life.h"

namespace vbs::sim {

namespace {

constexpr Milliseconds kStartedAfter{1'000};  // RestartSec of the units

}  // namespace

void Life::start() {
  if (lives()) return;
  incarnation_ = std::make_shared<bool>(true);
  Result<void> started;
  const bool survived = moments_.run_as(process_, [&] { started = parts_.start(); });
  if (!survived || !started) die();
}

void Life::kill() {
  incarnation_.reset();
  parts_.stop();
}

void Life::die() {
  if (!lives()) return;
  kill();
  world_.add(kStartedAfter, [this] { start(); });
}

bool Life::run(const std::function<void()>& work) {
  if (moments_.run_as(process_, work)) return true;
  die();
  return false;
}

Task Life::mortal(Task task) {
  auto shared = std::make_shared<Task>(std::move(task));
  return [this, alive = std::weak_ptr(incarnation_), shared] {
    if (!alive.expired()) run(*shared);
  };
}

}  // namespace vbs::sim
