#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "db/connection.h"

namespace vbs::db {

enum class OperationState { running, undoing, succeeded, failed, cancelled };
std::string_view to_string(OperationState state);
std::optional<OperationState> operation_state_from(std::string_view text);

/// One journaled run of a workflow.
struct Operation {
  std::int64_t seq = 0;  ///< grows for ever: the source of generations
  Uuid id;
  std::string project;
  std::string principal;  ///< who asked
  std::string kind;       ///< "attach-volume"
  OperationState state = OperationState::running;
  int step = 0;  ///< running: the step in work; undoing: the step being undone
  Uuid volume;   ///< nil where it has none
  Uuid snapshot;
  Uuid attachment;
  std::string node;            ///< for operations about one node's leftovers
  std::string options = "{}";  ///< what was asked, JSON
  std::string data = "{}";     ///< what steps found out, JSON
  bool cancel_requested = false;
  std::optional<Error> error;  ///< why it is undone, failed or cancelled
  int attempt = 0;             ///< tries of the present step that did not settle it
  std::string waiting_for;     ///< "node vs1 to answer", "" when it is not waiting
  std::optional<WallTime> next_retry_at;
  WallTime step_since{};  ///< since when the present step is in work
  WallTime deadline{};
  WallTime created_at{};
  WallTime updated_at{};
  std::optional<WallTime> ended_at;
};

struct OperationEvent {
  std::int64_t seq = 0;
  WallTime at{};
  std::string step;
  std::string what;  ///< "done", "retry", "failed", "undone", "cancel", ...
  std::string node;  ///< "" for the database
  std::string message;
  std::int64_t elapsed_ms = 0;
};

struct OperationFilter {
  std::optional<std::string> project;
  std::vector<Uuid> ids;
  std::optional<std::string> kind;
  std::optional<OperationState> state;
  std::optional<std::string> id_prefix;  ///< lower-case hex and dashes
  bool live_only = false;                ///< running or undoing
  std::optional<Uuid> resource;          ///< volume, snapshot or attachment
  std::int64_t before_seq = std::numeric_limits<std::int64_t>::max();
  std::size_t limit = 1000;
};

enum class LockMode { shared, exclusive };

/// A resource that an operation in flight holds.
struct HeldLock {
  std::string resource;  ///< "volume/<id>", "snapshot/<id>"
  LockMode mode = LockMode::exclusive;
  Uuid operation;
  std::string kind;  ///< of the operation
  OperationState state = OperationState::running;
  WallTime since{};
};

/// The journal: operations, their events, and the locks they hold.
class OperationTable {
 public:
  explicit OperationTable(Connection& connection) : connection_(connection) {}
  std::optional<Operation> find(const Uuid& id);
  std::optional<Operation> find_seq(std::int64_t seq);
  std::vector<Operation> list(const OperationFilter& filter);
  /// Running or undoing, by seq.
  std::vector<Operation> live();
  std::int64_t count_live();
  std::vector<OperationEvent> events(std::int64_t operation_seq);
  /// Of an operation of that project, or of any.
  std::optional<std::int64_t> seq_of(const Uuid& id, const std::optional<std::string>& project);

  /// At most 200 events are kept for an operation: beyond, the newest `retry` is rewritten.
  void append_event(std::int64_t operation_seq, const OperationEvent& event);
  void set_data(std::int64_t operation_seq, std::string_view data);

  /// Every lock held; a few rows.
  std::vector<HeldLock> locks();
  std::vector<HeldLock> locks_of(std::string_view resource);
  /// Removes ended operations older than `before` with their events, at most `limit`.
  int purge_ended(WallTime before, int limit);

 private:
  Connection& connection_;
};

}  // namespace vbs::db
