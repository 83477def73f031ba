#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace vbs::sim {

/// Looks at a world after every order that a delegate carries out, and finds what must not be at
/// any moment, however soon it is mended: what was gone for good is back, two VMs reach a volume
/// that one of them writes, a VM shows what was given to another of its name.
class Watchman {
 public:
  explicit Watchman(World& world);
  ~Watchman();

  void look();
  const std::vector<std::string>& findings() const { return findings_; }

 private:
  void look_for_the_dead(const std::set<std::string>& there);
  void look_for_second_writers(const std::set<std::string>& there);
  void look_for_other_vms();
  void report(const std::string& what);

  World& world_;
  std::set<std::string> seen_;  ///< there at some time
  std::set<std::string> gone_;  ///< of those, what no row wants and what was not there any more
  std::vector<std::string> findings_;
};

}  // namespace vbs::sim
