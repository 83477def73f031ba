#include "db/operation_table.h"
#include "db/operation_text.h"

namespace vbs::db {
namespace {

const std::string kSelect =
    "SELECT l.resource, l.mode, o.uid, o.kind, o.state, o.created_at"
    " FROM operation_locks l JOIN operations o ON o.seq = l.operation_seq ";

std::vector<HeldLock> read_locks(Statement& query) {
  std::vector<HeldLock> locks;
  while (query.step()) {
    locks.push_back({query.string(0), stored_state<LockMode>(kLockModes, query.text(1)),
                     query.uuid(2), query.string(3),
                     stored_state<OperationState>(kOperationStates, query.text(4)), query.time(5)});
  }
  return locks;
}

}  // namespace

std::vector<HeldLock> OperationTable::locks() {
  static const std::string sql = kSelect + "ORDER BY l.resource, l.operation_seq";
  auto query = connection_.prepare(sql);
  return read_locks(query);
}

std::vector<HeldLock> OperationTable::locks_of(std::string_view resource) {
  static const std::string sql = kSelect + "WHERE l.resource = ? ORDER BY l.operation_seq";
  auto query = connection_.prepare(sql);
  return read_locks(query.bind(resource));
}

}  // namespace vbs::db
