#pragma once

#include <memory>
#include <set>
#include <string>

#include "api/services.h"

namespace vbs::api {

/// Forgets what nobody can ask for any more: idempotency keys, ended operations, and the rows of
/// what was deleted or detached. In small batches with other writes between them, until nothing is
/// left to forget, so that it keeps up with any load. Lives on the executor.
class Housekeeping {
 public:
  explicit Housekeeping(Services& services)
      : services_(services), alive_(std::make_shared<bool>(true)) {}

  /// `unsettled`: nodes that may still show what rows say is gone.
  void run(const std::set<std::string>& unsettled);

 private:
  struct Batch;
  void run_batch(const std::shared_ptr<const Batch>& batch);

  Services& services_;
  std::shared_ptr<void> alive_;
  bool running_ = false;
};

}  // namespace vbs::api
