#pragma once

#include <string>

#include "api/services.h"
#include "api/submit.h"

namespace vbs::api {

/// Body of POST /v1/volumes/{id}/attachments.
struct NewAttachment {
  Uuid volume;
  std::string vm;
  std::string node;
  std::string device;  ///< "" for the first free one
  bool read_only = false;
};

Result<NewAttachment> read_new_attachment(const http::Request& request);

/// /v1/volumes/{id}/attachments
class AttachmentHandlers {
 public:
  AttachmentHandlers(Services& services, const Submitter& submitter)
      : services_(services), submitter_(submitter) {}

  void attach(const Principal& principal, const http::Request& request,
              http::Responder respond) const;
  void detach(const Principal& principal, const http::Request& request,
              http::Responder respond) const;
  http::Response list(const Principal& principal, const http::Request& request) const;
  http::Response get(const Principal& principal, const http::Request& request) const;

 private:
  Services& services_;
  const Submitter& submitter_;
};

}  // namespace vbs::api
