#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "db/connection.h"

namespace vbs::db {

enum class SnapshotState { available, error, deleted };
std::string_view to_string(SnapshotState state);
std::optional<SnapshotState> snapshot_state_from(std::string_view text);

struct Snapshot {
  std::int64_t seq = 0;
  Uuid id;
  std::string project;
  std::optional<std::string> name;
  Uuid volume;  ///< its origin; may be deleted by now
  std::uint64_t size_bytes = 0;
  std::string node;
  SnapshotState state = SnapshotState::error;
  std::string reason;
  std::string consistency;  ///< "file-system", "crash", "offline"; "" until known
  std::string tags = "{}";
  WallTime created_at{};
  WallTime updated_at{};
};

struct SnapshotFilter {
  std::optional<std::string> project;
  std::vector<Uuid> ids;
  std::optional<std::string> name;
  std::optional<Uuid> volume;
  std::optional<std::string> node;
  std::optional<SnapshotState> state;
  /// Live operations of these kinds show what they hold in a passing state: `state` leaves it out.
  std::vector<std::string> passing_kinds;
  std::optional<std::string> id_prefix;  ///< lower-case hex and dashes
  std::optional<std::pair<std::string, std::string>> tag;
  std::int64_t after_seq = 0;
  std::size_t limit = 1000;
};

/// The same rules as VolumeTable.
class SnapshotTable {
 public:
  explicit SnapshotTable(Connection& connection) : connection_(connection) {}
  std::optional<Snapshot> find(const Uuid& id);
  std::optional<Snapshot> find_by_name(std::string_view project, std::string_view name);
  std::vector<Snapshot> list(const SnapshotFilter& filter);
  bool insert(Snapshot& snapshot, const std::map<std::string, std::string>& tags);
  std::optional<std::int64_t> seq_of(const Uuid& id, const std::optional<std::string>& project);
  std::vector<Snapshot> on_node(std::string_view node);
  /// Not-deleted snapshots of a volume.
  std::int64_t count_of_volume(const Uuid& volume);
  void set_consistency(const Uuid& id, std::string_view consistency);

 private:
  Connection& connection_;
};

}  // namespace vbs::db
