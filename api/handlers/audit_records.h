#pragma once

#include "api/services.h"

namespace vbs::api {

/// /v1/audit-records: who changed what. (/v1/audit is about what rows and nodes disagree on.)
class AuditRecordHandlers {
 public:
  explicit AuditRecordHandlers(Services& services) : services_(services) {}

  http::Response list(const Principal& principal, const http::Request& request) const;

 private:
  Services& services_;
};

}  // namespace vbs::api
