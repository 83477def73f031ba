#include "db/snapshot_table.h"

#include "db/id_queries.h"
#include "db/state_text.h"

namespace vbs::db {
namespace {

constexpr StateTexts<3> kStates = {"available", "error", "deleted"};

const std::string kSelect =
    "SELECT s.seq, s.uid, s.project, s.name, s.volume_uid, s.size_bytes, s.node, s.state,"
    " s.reason, s.consistency, s.tags, s.created_at, s.updated_at FROM ";

Snapshot read_snapshot(const Statement& row) {
  Snapshot snapshot;
  snapshot.seq = row.integer(0);
  snapshot.id = row.uuid(1);
  snapshot.project = row.string(2);
  snapshot.name = row.optional_string(3);
  snapshot.volume = row.uuid(4);
  snapshot.size_bytes = static_cast<std::uint64_t>(row.integer(5));
  snapshot.node = row.string(6);
  snapshot.state = stored_state<SnapshotState>(kStates, row.text(7));
  snapshot.reason = row.string(8);
  snapshot.consistency = row.string(9);
  snapshot.tags = row.string(10);
  snapshot.created_at = row.time(11);
  snapshot.updated_at = row.time(12);
  return snapshot;
}

std::vector<Snapshot> read_snapshots(Statement& query) {
  std::vector<Snapshot> snapshots;
  while (query.step()) snapshots.push_back(read_snapshot(query));
  return snapshots;
}

std::optional<Snapshot> read_one(Statement& query) {
  if (!query.step()) return std::nullopt;
  return read_snapshot(query);
}

/// ?1 after seq, ?2 limit, ?3 project, ?4 node, ?5 name, ?6 state, ?7 and ?8 tag, ?9 volume, and
/// ?10 ids, only where `driver` has them, ?11 to ?13 as with volumes. The index is named here.
std::string list_sql(const char* from, const char* driver, const char* order = "s.seq") {
  return kSelect + from + " WHERE " + driver +
         "s.state <> 'deleted' AND s.seq > ?1"
         " AND (?3 IS NULL OR s.project = ?3)"
         " AND (?4 IS NULL OR s.node = ?4)"
         " AND (?5 IS NULL OR s.name = ?5)"
         " AND (?6 IS NULL OR (s.state = ?6 AND NOT EXISTS (SELECT 1 FROM operation_locks l"
         " JOIN operations o ON o.seq = l.operation_seq WHERE l.resource = 'snapshot/' || s.uid"
         " AND l.mode = 'exclusive' AND o.kind IN (SELECT value FROM json_each(?11)))))"
         " AND (?12 IS NULL OR (s.uid >= ?12 AND s.uid < ?13))"
         " AND (?7 IS NULL OR EXISTS (SELECT 1 FROM snapshot_tags x"
         " WHERE x.snapshot_seq = s.seq AND x.key = ?7 AND x.value = ?8))"
         " AND (?9 IS NULL OR s.volume_uid = ?9)"
         " ORDER BY " +
         order + " LIMIT ?2";
}

const std::string& list_sql_for(const SnapshotFilter& filter) {
  static const std::string by_ids =
      list_sql("snapshots s", "s.uid IN (SELECT value FROM json_each(?10)) AND ");
  static const std::string by_project_and_name =
      list_sql("snapshots s INDEXED BY snapshots_name", "s.name = ?5 AND s.project = ?3 AND ");
  static const std::string by_name =
      list_sql("snapshots s INDEXED BY snapshots_name", "s.name = ?5 AND ");
  static const std::string by_volume =
      list_sql("snapshots s INDEXED BY snapshots_volume", "s.volume_uid = ?9 AND ");
  static const std::string by_tag = list_sql(
      "snapshot_tags t CROSS JOIN snapshots s",
      "t.key = ?7 AND t.value = ?8 AND t.snapshot_seq > ?1 AND s.seq = t.snapshot_seq AND ",
      "t.snapshot_seq");
  static const std::string by_project_and_tag =
      list_sql("snapshot_tags t INDEXED BY snapshot_tags_project CROSS JOIN snapshots s",
               "t.project = ?3 AND t.key = ?7 AND t.value = ?8 AND t.snapshot_seq > ?1"
               " AND s.seq = t.snapshot_seq AND ",
               "t.snapshot_seq");
  static const std::string by_project_and_node = list_sql(
      "snapshots s INDEXED BY snapshots_project_node", "s.project = ?3 AND s.node = ?4 AND ");
  static const std::string by_project_and_state = list_sql(
      "snapshots s INDEXED BY snapshots_project_state", "s.project = ?3 AND s.state = ?6 AND ");
  static const std::string by_prefix = list_sql(
      "snapshots s INDEXED BY sqlite_autoindex_snapshots_1", "s.uid >= ?12 AND s.uid < ?13 AND ");
  static const std::string by_node =
      list_sql("snapshots s INDEXED BY snapshots_node", "s.node = ?4 AND ");
  static const std::string by_project =
      list_sql("snapshots s INDEXED BY snapshots_project", "s.project = ?3 AND ");
  static const std::string plain = list_sql("snapshots s INDEXED BY snapshots_live", "");

  if (!filter.ids.empty()) return by_ids;
  if (filter.name) return filter.project ? by_project_and_name : by_name;
  if (filter.volume) return by_volume;
  if (is_selective(filter.id_prefix)) return by_prefix;
  if (filter.tag) return filter.project ? by_project_and_tag : by_tag;
  if (filter.state && filter.project) return by_project_and_state;
  if (filter.node) return filter.project ? by_project_and_node : by_node;
  return filter.project ? by_project : plain;
}

}  // namespace

std::string_view to_string(SnapshotState state) {
  return state_text(kStates, state);
}

std::optional<SnapshotState> snapshot_state_from(std::string_view text) {
  return state_from<SnapshotState>(kStates, text);
}

std::optional<Snapshot> SnapshotTable::find(const Uuid& id) {
  static const std::string sql = kSelect + "snapshots s WHERE s.uid = ?";
  auto query = connection_.prepare(sql);
  return read_one(query.bind(id));
}

std::optional<Snapshot> SnapshotTable::find_by_name(std::string_view project,
                                                    std::string_view name) {
  static const std::string sql =
      kSelect + "snapshots s WHERE s.name = ? AND s.project = ? AND s.state <> 'deleted'";
  auto query = connection_.prepare(sql);
  return read_one(query.bind(name).bind(project));
}

std::vector<Snapshot> SnapshotTable::list(const SnapshotFilter& filter) {
  auto query = connection_.prepare(list_sql_for(filter));
  query.bind(filter.after_seq)
      .bind(static_cast<std::int64_t>(filter.limit))
      .bind(filter.project)
      .bind(filter.node)
      .bind(filter.name);
  if (filter.state) {
    query.bind(to_string(*filter.state));
  } else {
    query.bind_null();
  }
  if (filter.tag) {
    query.bind(filter.tag->first).bind(filter.tag->second);
  } else {
    query.bind_null().bind_null();
  }
  query.bind(filter.volume.value_or(Uuid{}));
  bind_ids(query, filter.ids);
  query.bind(text_array(filter.passing_kinds));
  bind_prefix(query, filter.id_prefix);
  return read_snapshots(query);
}

bool SnapshotTable::insert(Snapshot& snapshot, const std::map<std::string, std::string>& tags) {
  auto row = connection_.prepare(
      "INSERT INTO snapshots (uid, project, name, volume_uid, size_bytes, node, state, reason,"
      " consistency, tags, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (name, project) WHERE state <> 'deleted' AND name IS NOT NULL DO NOTHING");
  row.bind(snapshot.id).bind(snapshot.project).bind(snapshot.name).bind(snapshot.volume);
  row.bind(snapshot.size_bytes).bind(snapshot.node).bind(to_string(snapshot.state));
  row.bind(snapshot.reason).bind(snapshot.consistency).bind(snapshot.tags);
  row.bind(snapshot.created_at).bind(snapshot.updated_at);
  if (row.run() == 0) return false;
  snapshot.seq = connection_.last_insert_rowid();
  for (const auto& [key, value] : tags) {
    auto tag = connection_.prepare(
        "INSERT INTO snapshot_tags (snapshot_seq, project, key, value)"
        " VALUES (?, ?, ?, ?)");
    tag.bind(snapshot.seq).bind(snapshot.project).bind(key).bind(value).run();
  }
  return true;
}

std::optional<std::int64_t> SnapshotTable::seq_of(const Uuid& id,
                                                  const std::optional<std::string>& project) {
  return find_seq(connection_,
                  "SELECT seq FROM snapshots WHERE uid = ?1 AND (?2 IS NULL OR project = ?2)", id,
                  project);
}

std::vector<Snapshot> SnapshotTable::on_node(std::string_view node) {
  static const std::string sql =
      kSelect + "snapshots s WHERE s.node = ? AND s.state <> 'deleted' ORDER BY s.seq";
  auto query = connection_.prepare(sql);
  return read_snapshots(query.bind(node));
}

std::int64_t SnapshotTable::count_of_volume(const Uuid& volume) {
  auto query = connection_.prepare(
      "SELECT count(*) FROM snapshots WHERE volume_uid = ? AND state <> 'deleted'");
  query.bind(volume).step();
  return query.integer(0);
}

void SnapshotTable::set_consistency(const Uuid& id, std::string_view consistency) {
  connection_.prepare("UPDATE snapshots SET consistency = ? WHERE uid = ?")
      .bind(consistency)
      .bind(id)
      .run();
}

}  // namespace vbs::db
