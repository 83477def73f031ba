#include "db/usage_table.h"

#include "common/units.h"

namespace vbs::db {
namespace {

Result<void> refuse(std::string_view project, const std::string& what) {
  return fail(ErrorCode::quota_exceeded, "project " + std::string(project) + " " + what +
                                             "; delete something, or ask for a larger quota");
}

Result<void> check_count(std::string_view project, std::string_view noun, std::int64_t present,
                         std::int64_t added, std::int64_t limit) {
  if (limit == 0 || added == 0 || present + added <= limit) return {};
  return refuse(project, "has " + std::to_string(present) + " of at most " + std::to_string(limit) +
                             " " + std::string(noun));
}

Result<void> check_bytes(std::string_view project, std::uint64_t present, std::uint64_t added,
                         std::uint64_t limit) {
  if (limit == 0 || added == 0 || present + added <= limit) return {};
  return refuse(project, "holds " + format_size(present) + " of at most " + format_size(limit) +
                             " and asks for " + format_size(added) + " more");
}

Result<void> check_quota(std::string_view project, const Usage& present, const Usage& added,
                         const Quota& quota) {
  if (auto ok = check_count(project, "volumes", present.volumes, added.volumes, quota.volumes);
      !ok) {
    return ok;
  }
  if (auto ok =
          check_count(project, "snapshots", present.snapshots, added.snapshots, quota.snapshots);
      !ok) {
    return ok;
  }
  return check_bytes(project, present.bytes, added.bytes, quota.bytes);
}

}  // namespace

Usage UsageTable::of_project(std::string_view project) {
  auto query =
      connection_.prepare("SELECT volumes, snapshots, bytes FROM project_usage WHERE project = ?");
  if (!query.bind(project).step()) return {};
  return {query.integer(0), query.integer(1), static_cast<std::uint64_t>(query.integer(2))};
}

std::uint64_t UsageTable::reserved_on(std::string_view node) {
  auto query = connection_.prepare("SELECT bytes FROM node_usage WHERE node = ?");
  if (!query.bind(node).step()) return 0;
  return static_cast<std::uint64_t>(query.integer(0));
}

Result<void> UsageTable::reserve(std::string_view project, std::string_view node,
                                 const Usage& added, const Quota& quota) {
  if (auto ok = check_quota(project, of_project(project), added, quota); !ok) return ok;
  connection_
      .prepare(
          "INSERT INTO project_usage (project, volumes, snapshots, bytes) VALUES (?, ?, ?, ?)"
          " ON CONFLICT (project) DO UPDATE SET volumes = volumes + excluded.volumes,"
          " snapshots = snapshots + excluded.snapshots, bytes = bytes + excluded.bytes")
      .bind(project)
      .bind(added.volumes)
      .bind(added.snapshots)
      .bind(added.bytes)
      .run();
  connection_
      .prepare(
          "INSERT INTO node_usage (node, bytes) VALUES (?, ?)"
          " ON CONFLICT (node) DO UPDATE SET bytes = bytes + excluded.bytes")
      .bind(node)
      .bind(added.bytes)
      .run();
  return {};
}

void UsageTable::release(std::string_view project, std::string_view node, const Usage& removed) {
  // More than was reserved is refused by the columns; nothing reserved at all is refused here.
  const int projects = connection_
                           .prepare(
                               "UPDATE project_usage SET volumes = volumes - ?,"
                               " snapshots = snapshots - ?, bytes = bytes - ? WHERE project = ?")
                           .bind(removed.volumes)
                           .bind(removed.snapshots)
                           .bind(removed.bytes)
                           .bind(project)
                           .run();
  const int nodes = connection_.prepare("UPDATE node_usage SET bytes = bytes - ? WHERE node = ?")
                        .bind(removed.bytes)
                        .bind(node)
                        .run();
  if (projects != 1 || nodes != 1) {
    throw SqliteError(SQLITE_CONSTRAINT, "usage is released that was never reserved");
  }
}

}  // namespace vbs::db
