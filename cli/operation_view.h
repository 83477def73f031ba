#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"

namespace vbs::cli {

/// Whom or what an operation waits for.
struct Waiting {
  std::string what;  ///< "node vs1 to answer"
  std::int64_t attempt = 0;
};

/// An operation as the service describes it, as far as following one needs it.
struct OperationView {
  std::string id;
  std::string kind;
  std::string state;
  std::string step;              ///< "" when it has ended
  std::int64_t step_number = 0;  ///< of `step`, from 1
  std::size_t steps = 0;
  std::optional<Waiting> waiting;
  std::optional<Error> error;      ///< why it is undone, failed or was cancelled
  std::vector<std::string> notes;  ///< what a person should know
  std::string volume_id;           ///< "" where it is about none
  std::string snapshot_id;
  std::string attachment_id;
  bool ended = false;

  bool succeeded() const { return state == "succeeded"; }
};

/// Reads an operation, or the member "operation" of an answer to a change.
Result<OperationView> read_operation(const json::Value& value);

/// "step 2/5 export", or the state alone when it has ended.
std::string describe_step(const OperationView& operation);

}  // namespace vbs::cli
