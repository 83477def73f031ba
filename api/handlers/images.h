#pragma once

#include "api/services.h"

namespace vbs::api {

/// /v1/images: what volumes can be made from, the same for every project.
class ImageHandlers {
 public:
  explicit ImageHandlers(Services& services) : services_(services) {}

  http::Response list(const Principal& principal, const http::Request& request) const;
  http::Response get(const Principal& principal, const http::Request& request) const;

 private:
  Services& services_;
};

}  // namespace vbs::api
