#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace vbs::sim {

struct Request {
  http::Method method = http::Method::post;
  std::string path;  ///< "": the reconciler begins the operation by itself
  std::string body;
};

/// How to make one workflow run.
struct Scenario {
  std::string name;
  std::string kind;  ///< of the operation
  std::function<Request(World&)> prepare;
  /// A VM has the volume, or gets it: it makes a difference whether hosts or VMs log in.
  bool attached = false;

  /// Whether there is a step from which on it cannot be undone.
  bool has_no_return() const;
};

std::ostream& operator<<(std::ostream& out, const Scenario& scenario);

/// At least one for each workflow of the registry.
const std::vector<Scenario>& scenarios();

}  // namespace vbs::sim
