#pragma once

#include "common/clock.h"
#include "common/http/message.h"

namespace vbs::cli {

/// Carries one request to the service and brings its answer, whatever its status.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Errors: node_unavailable when no connection could be made; timeout when it was lost,
  /// `deadline` for the whole exchange passed or the user interrupted: then the service may have
  /// taken the request; internal when what came back is no acceptable answer.
  virtual Result<http::Response> send(const http::Request& request, Milliseconds deadline) = 0;
};

}  // namespace vbs::cli
