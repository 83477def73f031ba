#pragma once

#include "api/services.h"

namespace vbs::api {

/// /v1/operations
class OperationHandlers {
 public:
  explicit OperationHandlers(Services& services) : services_(services) {}

  http::Response list(const Principal& principal, const http::Request& request) const;
  http::Response get(const Principal& principal, const http::Request& request) const;
  void cancel(const Principal& principal, const http::Request& request,
              http::Responder respond) const;

 private:
  Services& services_;
};

}  // namespace vbs::api
