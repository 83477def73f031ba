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
  std::string source_kind;           ///< "", "snapshot" or "volume"
  Uuid source;                       ///< nil without a kind
  std::optional<std::string> image;  ///< id or name; in place of a source
  std::map<std::string, std::string> tags;
  std::string volume_server;
};

Result<NewVolume> read_new_volume(const http::Request& request);

/// Where it may be made, and from which image, if from one.
struct Candidates {
  std::vector<NodeView> servers;
  std::optional<OfferedImage> image;
};

/// Finds the image, lets the volume have its size unless it is to be larger, and leaves of the
/// servers those that can take a volume and have it.
Result<Candidates> find_candidates(const Services& services, NewVolume& wanted);

/// The rows of one new volume, on one of those servers.
Result<void> write_volume(db::Transaction& tx, const Principal& principal, const NewVolume& wanted,
                          const Candidates& candidates, const db::Quota& quota,
                          db::Operation& operation);

}  // namespace vbs::api
