#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/scenarios.h"
#include "tests/sim/watchman.h"

namespace vbs::sim {

/// Where only one of them can be afforded, hosts and VMs take turns at logging in.
InitiatorKind who_logs_in(std::uint64_t turn);

/// One run of a workflow in a world of its own, from the request on. Equal courses pass equal
/// moments.
class Course {
 public:
  explicit Course(const Scenario& scenario, std::uint64_t seed = 7,
                  InitiatorKind kind = InitiatorKind::of_vms);

  /// Lets so much happen; false where the operation has ended before.
  bool pass(int events);
  /// Whether nothing more comes of it: the operation has ended, or the front died before it was
  /// begun.
  bool over();
  /// The operation; "" as long as nobody can know it.
  std::string operation();
  /// Until the operation has ended; false if that takes longer than an hour.
  bool run_to_the_end();
  /// Everything that is wrong some sweeps after the end, when who heard nothing has asked again.
  std::vector<std::string> aftermath();

  World world;
  std::set<std::string> there_before;
  bool by_itself = false;  ///< nobody asks for it
  std::shared_ptr<World::Answer> answer;

 private:
  std::shared_ptr<World::Answer> ask();
  void ask_again(std::vector<std::string>& found);
  bool has_begun();

  Watchman watchman_;
  Request request_;
  std::int64_t operations_before_ = 0;
  int front_starts_before_ = 0;
};

}  // namespace vbs::sim
