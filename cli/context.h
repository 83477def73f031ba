#pragma once

#include "cli/command.h"
#include "cli/output.h"
#include "cli/service.h"

namespace vbs::cli {

/// What a verb works with.
struct Context {
  const Arguments& arguments;
  Service& service;
  Pause& pause;
  const Clock& clock;
  Output& output;
  bool live_progress = false;  ///< standard error is a terminal
};

}  // namespace vbs::cli
