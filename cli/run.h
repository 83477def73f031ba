#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/settings.h"

namespace vbs::cli {

/// The whole program but for the process around it.
struct Surroundings {
  std::vector<std::string> arguments;  ///< argv[1..]
  Environment environment;
  std::ostream& out;
  std::ostream& err;
  bool err_is_terminal = false;
};

ExitCode run(const Surroundings& surroundings);

}  // namespace vbs::cli
