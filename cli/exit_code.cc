#include "cli/exit_code.h"

namespace vbs::cli {

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_request:
    case ErrorCode::invalid_field:
    case ErrorCode::method_not_allowed:
    case ErrorCode::request_too_large:
      return ExitCode::usage;
    case ErrorCode::not_found:
      return ExitCode::not_found;
    case ErrorCode::conflict:
    case ErrorCode::operation_in_progress:
    case ErrorCode::idempotency_mismatch:
    case ErrorCode::already_exists:
    case ErrorCode::stale_generation:
      return ExitCode::conflict;
    case ErrorCode::unauthenticated:
    case ErrorCode::forbidden:
      return ExitCode::not_allowed;
    case ErrorCode::quota_exceeded:
    case ErrorCode::insufficient_space:
      return ExitCode::no_space;
    case ErrorCode::node_unavailable:
    case ErrorCode::database_unavailable:
    case ErrorCode::overloaded:
    case ErrorCode::timeout:
      return ExitCode::unavailable;
    case ErrorCode::internal:
      return ExitCode::failed;
  }
  return ExitCode::failed;
}

ExitCode exit_code_of_failed_operation(ErrorCode code) {
  const ExitCode exit_code = exit_code_of(code);
  return exit_code == ExitCode::no_space ? exit_code : ExitCode::failed;
}

std::string exit_code_help() {
  return "Exit codes:\n"
         "    0  done\n"
         "    1  the operation failed or was cancelled\n"
         "    2  usage: wrong command line, configuration or value\n"
         "    3  not found\n"
         "    4  conflict: in use, another operation in progress, exists already\n"
         "    5  not allowed: no token, one whose role is not enough, or a refused certificate\n"
         "    6  quota or space\n"
         "    7  the service cannot be reached, or cannot work at the moment\n"
         "    8  waited as long as --timeout says; the operation goes on\n"
         "  130  interrupted\n";
}

}  // namespace vbs::cli
