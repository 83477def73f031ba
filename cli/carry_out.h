#pragma once

#include <functional>

#include "cli/context.h"
#include "cli/operation_view.h"

namespace vbs::cli {

/// How a change is carried out and shown.
struct Errand {
  Change change;
  /// Shows the result of a good end. Not called for --no-wait.
  std::function<Result<void>(const OperationView&, const json::Value& document)> show;
  /// The state that counts as a good end.
  std::string good_state = "succeeded";
};

/// Sends the change; then, unless --no-wait, follows its operation to the end (or as long as
/// --timeout says) and shows the result, or why there is none.
Result<ExitCode> carry_out(Context& context, const Errand& errand);

}  // namespace vbs::cli
