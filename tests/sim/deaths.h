#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/sim/course.h"

namespace vbs::sim {

/// Who dies at a moment.
enum class Victims { who_passes, all_others, all };

struct PlannedDeath {
  std::size_t moment = 0;  ///< counted from the request on
  Victims victims = Victims::who_passes;
};

/// Which moments are counted.
enum class Counted { all, fault_points };

/// A course in which processes die as planned, and are started again a second later.
class DeadlyCourse {
 public:
  enum class Direction { forward, undoing };

  /// When undoing, the order of that number, the last one of the workflow, finds nobody, and the
  /// operation is cancelled meanwhile.
  struct Way {
    Direction direction = Direction::forward;
    std::size_t last_order = 0;
    InitiatorKind kind = InitiatorKind::of_host;
  };

  DeadlyCourse(const Scenario& scenario, Way way, std::vector<PlannedDeath> plan,
               Counted counted = Counted::all);

  /// To the end of the operation; what is wrong long after that.
  std::vector<std::string> run();
  /// The moments that were passed until the operation had ended.
  const std::vector<std::string>& passed() const { return passed_; }
  std::size_t deaths() const { return deaths_; }
  std::size_t orders() const { return orders_; }  ///< of the front to delegates
  std::string journal() { return course_.world.journal(); }

 private:
  void pass(const Moment& moment);
  void die(Process who_passes, Victims victims);
  fakes::Fate fate_of(const api::DelegateCall& call);

  const Way way_;
  const std::vector<PlannedDeath> plan_;
  const Counted counted_;
  std::vector<std::string> passed_;
  std::size_t deaths_ = 0;
  std::size_t orders_ = 0;
  Course course_;
};

/// Both ways of a scenario, as a run without deaths finds them.
std::vector<DeadlyCourse::Way> ways(const Scenario& scenario,
                                    InitiatorKind kind = InitiatorKind::of_host);

}  // namespace vbs::sim
