#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "db/connection.h"

namespace vbs::db {

/// What a project holds, counted in the same transactions as the rows it counts.
struct Usage {
  std::int64_t volumes = 0;
  std::int64_t snapshots = 0;
  std::uint64_t bytes = 0;  ///< full sizes of volumes and snapshots
};

/// 0 means no limit.
struct Quota {
  std::int64_t volumes = 0;
  std::int64_t snapshots = 0;
  std::uint64_t bytes = 0;
};

/// Counters of what projects hold and servers have promised, kept beside the rows they count.
class UsageTable {
 public:
  explicit UsageTable(Connection& connection) : connection_(connection) {}
  Usage of_project(std::string_view project);
  /// Bytes promised on a volume server.
  std::uint64_t reserved_on(std::string_view node);
  /// Adds, unless `quota` would be passed: then quota_exceeded with the figures.
  Result<void> reserve(std::string_view project, std::string_view node, const Usage& added,
                       const Quota& quota);
  void release(std::string_view project, std::string_view node, const Usage& removed);

 private:
  Connection& connection_;
};

}  // namespace vbs::db
