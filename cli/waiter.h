#pragma once

#include <optional>

#include "cli/operation_view.h"
#include "cli/progress.h"
#include "cli/service.h"

namespace vbs::cli {

enum class WaitEnd { ended, timed_out, interrupted };

struct Waited {
  WaitEnd end = WaitEnd::ended;
  OperationView operation;  ///< as last seen
  json::Value document;     ///< the same as the service gave it; null if it was never read
};

/// Asks for the operation, which the service answers at its end or after a second, until it has
/// ended, `limit` has passed or the user interrupts. A service that goes away is waited for, for a
/// minute: the operation outlives it. An error means that nothing can be said about the operation
/// any more.
Result<Waited> wait_for_operation(Service& service, Pause& pause, const Clock& clock,
                                  Progress& progress, OperationView operation,
                                  std::optional<Milliseconds> limit);

}  // namespace vbs::cli
