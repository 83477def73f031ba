#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "db/connection.h"

namespace vbs::db {

/// States at rest. `creating`, `deleting`, `attaching`... are read off the operation in flight.
enum class VolumeState { available, in_use, error, deleted };
std::string_view to_string(VolumeState state);  ///< "available", "in-use", ...
std::optional<VolumeState> volume_state_from(std::string_view text);

struct Volume {
  std::int64_t seq = 0;  ///< order of creation; paging key
  Uuid id;
  std::string project;
  std::optional<std::string> name;
  std::uint64_t size_bytes = 0;
  std::string node;  ///< volume server
  VolumeState state = VolumeState::error;
  std::string reason;       ///< why `error`; "" otherwise
  std::string source_kind;  ///< "", "snapshot", "volume", "image"
  Uuid source;
  std::string tags = "{}";  ///< JSON object of strings, canonical
  WallTime created_at{};
  WallTime updated_at{};
  std::optional<std::uint64_t> wanted_bytes;  ///< while it grows: the size it will have
};

/// What a list asks for; empty members do not filter. `deleted` rows never show.
struct VolumeFilter {
  std::optional<std::string> project;
  std::vector<Uuid> ids;
  std::optional<std::string> name;
  std::optional<std::string> node;
  std::optional<VolumeState> state;
  /// Live operations of these kinds show what they hold in a passing state: `state` leaves it out.
  std::vector<std::string> passing_kinds;
  std::optional<std::string> id_prefix;                    ///< lower-case hex and dashes
  std::optional<std::pair<std::string, std::string>> tag;  ///< key and value
  std::optional<std::string> vm;                           ///< attached to this VM
  std::int64_t after_seq = 0;
  std::size_t limit = 1000;
};

/// Volumes and their tags. Changing a state is for transitions.h alone.
class VolumeTable {
 public:
  explicit VolumeTable(Connection& connection) : connection_(connection) {}
  /// Any state, `deleted` included.
  std::optional<Volume> find(const Uuid& id);
  std::optional<Volume> find_by_name(std::string_view project, std::string_view name);
  /// Ascending by seq.
  std::vector<Volume> list(const VolumeFilter& filter);
  /// Sets volume.seq; tags rows are written too. A taken name throws nothing: returns false.
  bool insert(Volume& volume, const std::map<std::string, std::string>& tags);
  /// seq of an id of that project, or of any, for paging markers.
  std::optional<std::int64_t> seq_of(const Uuid& id, const std::optional<std::string>& project);
  /// Not-deleted volumes on a volume server, for the reconciler.
  std::vector<Volume> on_node(std::string_view node);

 private:
  Connection& connection_;
};

}  // namespace vbs::db
