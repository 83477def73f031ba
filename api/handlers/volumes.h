#pragma once

#include "api/services.h"
#include "api/submit.h"

namespace vbs::api {

/// /v1/volumes
class VolumeHandlers {
 public:
  VolumeHandlers(Services& services, const Submitter& submitter)
      : services_(services), submitter_(submitter) {}

  void create(const Principal& principal, const http::Request& request,
              http::Responder respond) const;
  void modify(const Principal& principal, const http::Request& request,
              http::Responder respond) const;
  void remove(const Principal& principal, const http::Request& request,
              http::Responder respond) const;
  http::Response list(const Principal& principal, const http::Request& request) const;
  http::Response get(const Principal& principal, const http::Request& request) const;

 private:
  Services& services_;
  const Submitter& submitter_;
};

}  // namespace vbs::api
