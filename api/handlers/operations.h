#pragma once

#include "api/services.h"
#include "api/submit.h"

namespace vbs::api {

/// /v1/operations
class OperationHandlers {
 public:
  OperationHandlers(Services& services, const Submitter& submitter)
      : services_(services), submitter_(submitter) {}

  http::Response list(const Principal& principal, const http::Request& request) const;
  void get(const Principal& principal, const http::Request& request, http::Responder respond) const;
  void cancel(const Principal& principal, const http::Request& request,
              http::Responder respond) const;

 private:
  Services& services_;
  const Submitter& submitter_;
};

}  // namespace vbs::api
