#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/services.h"
#include "api/submit.h"

namespace vbs::api {

/// Body of POST /v1/snapshots.
struct NewSnapshot {
  Uuid volume;
  std::optional<std::string> name;
  std::map<std::string, std::string> tags;
};

Result<NewSnapshot> read_new_snapshot(const http::Request& request);

/// /v1/snapshots
class SnapshotHandlers {
 public:
  SnapshotHandlers(Services& services, const Submitter& submitter)
      : services_(services), submitter_(submitter) {}

  void create(const Principal& principal, const http::Request& request,
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
