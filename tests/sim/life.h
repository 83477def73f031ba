#pragma once

#include <functional>
#include <memory>

#include "tests/fakes/sim_executor.h"
#include "tests/sim/moments.h"

namespace vbs::sim {

/// A process of a simulated world, which may die at any of its moments and is started again, as
/// systemd would.
class Life {
 public:
  struct Parts {
    std::function<Result<void>()> start;  ///< makes what lives in it
    std::function<void()> stop;           ///< all of it is gone, as after SIGKILL
  };
  Life(Process process, Moments& moments, fakes::SimWorld& world, Parts parts)
      : process_(process), moments_(moments), world_(world), parts_(std::move(parts)) {}

  bool lives() const { return incarnation_ != nullptr; }
  void start();
  /// It stays dead until `start`. Not to be called from what it runs: that throws Death.
  void kill();
  /// It is started again after a while.
  void die();

  /// Does `work` as this process; false when it died of it.
  bool run(const std::function<void()>& work);
  /// A task of this incarnation: nothing of it happens after its death.
  Task mortal(Task task);

 private:
  const Process process_;
  Moments& moments_;
  fakes::SimWorld& world_;
  const Parts parts_;
  std::shared_ptr<bool> incarnation_;
};

}  // namespace vbs::sim
