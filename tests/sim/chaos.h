#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/sim/faulty_disk.h"
#include "tests/sim/world.h"

namespace vbs::sim {

/// What goes wrong in a world. Which kinds do is drawn from its seed, so that some worlds suffer
/// from one of them alone and others from all together (swarm testing: Groce et al. 2012).
class Chaos {
 public:
  explicit Chaos(World& world);

  /// Now and then something happens.
  void step();
  /// Nothing goes wrong any more, and what was down is up.
  void end();

  /// Nothing happens behind the front's back: it knows of all that is there, without looking.
  bool nothing_in_secret() const {
    // What a front that died had asked for is then carried out long after its death.
    const bool late = stuck_tools_ && front_deaths_;
    return !links_ && !partitions_ && !errors_ && !meddling_ && !delegate_deaths_ && !late;
  }
  /// Nor does anything hold an operation up.
  bool nothing_slow() const {
    return nothing_in_secret() && !clock_jumps_ && !full_disk_ && !stuck_tools_;
  }
  /// What somebody put there by hand, that belongs to nobody.
  const std::vector<std::string>& foreign() const { return foreign_; }
  /// Kinds, for who reads of a failed run.
  std::string describe() const;

 private:
  bool draw(const char* kind, std::uint64_t once_in);
  std::optional<Error> pass(const Moment& moment);
  int fill(FaultyDisk::Call call);
  void cut_off(const std::string& node);
  void meddle();

  World& world_;
  fakes::SimRandom& chance_;
  std::string kinds_;
  const bool links_, partitions_, errors_, meddling_, front_deaths_, delegate_deaths_, clock_jumps_,
      full_disk_, stuck_tools_;
  Milliseconds full_until_{0};
  std::vector<std::string> foreign_;
  std::uint32_t last_foreign_ = 0;
};

}  // namespace vbs::sim
