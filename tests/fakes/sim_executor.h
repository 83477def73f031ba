#pragma once

#include <functional>
#include <map>
#include <memory>

#include "common/executor.h"
#include "common/random.h"

namespace vbs::fakes {

/// Time and order of one simulated world. Nothing happens but what was posted, one task at a time,
/// in the order of due time and then of posting; between tasks time jumps. One thread.
class SimWorld {
 public:
  /// Runs the task that is due next; false if there is none.
  bool run_next();
  /// Runs until `done` holds, at most for `limit` of simulated time; whether it came to hold.
  bool run_until(const std::function<bool()>& done, Milliseconds limit);
  void run_for(Milliseconds time);

  Milliseconds now() const { return now_; }
  std::uint64_t add(Milliseconds delay, Task task);
  void remove(std::uint64_t id);

 private:
  using Key = std::pair<Milliseconds, std::uint64_t>;
  Milliseconds now_{0};
  std::uint64_t next_ = 1;
  std::map<Key, Task> tasks_;
  std::map<std::uint64_t, Key> keys_;
};

/// A process's view of the world: its tasks vanish with it.
class SimExecutor final : public Executor {
 public:
  /// How its tasks are done, the answers to its calls included.
  using Run = std::function<void(const Task&)>;

  SimExecutor(SimWorld& world, Run run) : world_(world), run_(std::move(run)) {}
  void post(Task task) override { post_after(Milliseconds(0), std::move(task)); }
  TimerId post_after(Milliseconds delay, Task task) override;
  void cancel(TimerId timer) override { world_.remove(timer); }
  /// Does what comes from outside; nothing, if this process has died since the wrapping.
  Task wrap(Task task) const;

 private:
  SimWorld& world_;
  const Run run_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// The world's clocks; the wall clock begins on 2026-01-01, and somebody may set it.
class SimClock final : public Clock {
 public:
  explicit SimClock(const SimWorld& world) : world_(world) {}
  WallTime wall() const override {
    return WallTime(Milliseconds(1'767'225'600'000)) + world_.now() + moved_by_;
  }
  void move_wall(Milliseconds by) { moved_by_ += by; }
  MonotonicTime monotonic() const override { return MonotonicTime(world_.now()); }

 private:
  const SimWorld& world_;
  Milliseconds moved_by_{0};
};

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same bytes.
class SimRandom final : public Random {
 public:
  explicit SimRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> bytes) override;
  /// True once in `times`.
  bool once_in(std::uint64_t times) { return step() % times == 0; }
  std::uint64_t below(std::uint64_t limit) { return step() % limit; }

 private:
  std::uint64_t step();
  std::uint64_t state_;
};

}  // namespace vbs::fakes
