#pragma once

#include <string>

#include "common/error.h"

namespace vbs::cli {

/// What `vbs` exits with. Scripts rely on the numbers: they are listed in the help and in vbs(1)
/// and never change.
enum class ExitCode : int {
  ok = 0,
  failed = 1,  ///< the operation ran and failed or was cancelled; or a defect
  usage = 2,   ///< the command line, the configuration or a value in the request is wrong
  not_found = 3,
  conflict = 4,       ///< in use, another operation in progress, exists already
  not_allowed = 5,    ///< no token, an unknown one, or one whose role does not allow it
  no_space = 6,       ///< quota or space, whether refused at once or found out by the operation
  unavailable = 7,    ///< the service cannot be reached, or cannot work at the moment
  wait_timeout = 8,   ///< waited long enough; the operation goes on
  interrupted = 130,  ///< Ctrl-C
};

/// For a request that was refused or could not be made.
ExitCode exit_code_of(ErrorCode code);
/// For an operation that was accepted and then ended with this error.
ExitCode exit_code_of_failed_operation(ErrorCode code);

/// One line per code, for the help.
std::string exit_code_help();

}  // namespace vbs::cli
