#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/services.h"
#include "db/transitions.h"
#include "db/usage_table.h"

namespace vbs::api {

/// Body of POST /v1/volumes.
struct NewVolume {
  std::optional<std::string> name;
  std::optional<std::uint64_t> size_bytes;
  std::string source_kind;
  Uuid source;
  std::map<std::string, std::string> tags;
  std::string volume_server;
};

Result<NewVolume> read_new_volume(const http::Request& request);

/// The rows of one new volume, on one of `servers`.
Result<void> write_volume(db::Transaction& tx, const Principal& principal, const NewVolume& wanted,
                          const std::vector<NodeView>& servers, const db::Quota& quota,
                          db::Operation& operation);

}  // namespace vbs::api
