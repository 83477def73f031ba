#include "db/operation_table.h"

namespace vbs::db {
namespace {

constexpr std::int64_t kMaxEvents = 200;

/// Makes room for one more: a later retry says all that an earlier one said.
void drop_one_event(Connection& connection, std::int64_t operation_seq) {
  connection
      .prepare(
          "DELETE FROM operation_events WHERE seq = (SELECT seq FROM operation_events"
          " WHERE operation_seq = ? ORDER BY what = 'retry' DESC, seq DESC LIMIT 1)")
      .bind(operation_seq)
      .run();
}

}  // namespace

std::vector<OperationEvent> OperationTable::events(std::int64_t operation_seq) {
  auto query = connection_.prepare(
      "SELECT seq, at, step, what, node, message, elapsed_ms FROM operation_events"
      " WHERE operation_seq = ? ORDER BY seq");
  query.bind(operation_seq);
  std::vector<OperationEvent> events;
  while (query.step()) {
    events.push_back({query.integer(0), query.time(1), query.string(2), query.string(3),
                      query.string(4), query.string(5), query.integer(6)});
  }
  return events;
}

void OperationTable::append_event(std::int64_t operation_seq, const OperationEvent& event) {
  {
    auto count =
        connection_.prepare("SELECT count(*) FROM operation_events WHERE operation_seq = ?");
    count.bind(operation_seq).step();
    if (count.integer(0) >= kMaxEvents) drop_one_event(connection_, operation_seq);
  }
  auto row = connection_.prepare(
      "INSERT INTO operation_events (operation_seq, at, step, what, node, message, elapsed_ms)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)");
  row.bind(operation_seq).bind(event.at).bind(event.step).bind(event.what).bind(event.node);
  row.bind(event.message).bind(event.elapsed_ms).run();
}

}  // namespace vbs::db
