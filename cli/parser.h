#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace vbs::cli {

/// A command line that is to be run.
struct Invocation {
  const CommandSpec* command = nullptr;
  Arguments arguments;
};

/// A command line that ends here: help, version, or a mistake.
struct ParseEnd {
  ExitCode exit_code = ExitCode::ok;
  std::string text;  ///< for stdout if ok, else for stderr, escaped already
};

/// Understands argv[1..] by the command table.
tl::expected<Invocation, ParseEnd> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace vbs::cli
