#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"

namespace vbs::process {

/// One outside command. No shell, no PATH search: argv[0] is an absolute path. The environment is
/// LC_ALL=C plus `environment`; every other descriptor is closed; own process group; signals reset.
struct Command {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;
  std::string input;                   ///< standard input; never logged
  Milliseconds run_limit{30'000};      ///< then TERM to the group
  Milliseconds kill_grace{2'000};      ///< then KILL
  std::size_t output_limit = 1 << 20;  ///< bytes kept of each of stdout and stderr
};

struct Outcome {
  int exit_code = 0;  ///< 128+N when killed by signal N
  bool timed_out = false;
  bool truncated = false;  ///< output above the limit was dropped
  std::string out;
  std::string err;
};

/// Runs to the end. An error means that it could not be started; a non-zero exit is an Outcome.
Result<Outcome> run(const Command& command);

/// Starts a program that outlives this process (own session, stdin from /dev/null, stdout and
/// stderr appended to `log_file`) and returns its pid. It is not a child: init adopts it.
Result<int> start_detached(const Command& command, const std::string& log_file);

/// Absolute path of a program in the system's directories, or an error that names the Debian
/// package it comes from.
Result<std::string> find_program(const std::string& name, const std::string& package);

}  // namespace vbs::process
