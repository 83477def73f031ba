#include "db/volume_table.h"

#include "db/id_queries.h"
#include "db/state_text.h"

namespace vbs::db {
namespace {

/// The kind of a source that has a column of its own.
constexpr std::string_view kImage = "image";

constexpr StateTexts<4> kStates = {"available", "in-use", "error", "deleted"};

const std::string kSelect =
    "SELECT v.seq, v.uid, v.project, v.name, v.size_bytes, v.node, v.state, v.reason,"
    " v.source_kind, v.source_uid, v.tags, v.created_at, v.updated_at,"
    " v.wanted_bytes, v.image_id FROM ";

Volume read_volume(const Statement& row) {
  Volume volume;
  volume.seq = row.integer(0);
  volume.id = row.uuid(1);
  volume.project = row.string(2);
  volume.name = row.optional_string(3);
  volume.size_bytes = static_cast<std::uint64_t>(row.integer(4));
  volume.node = row.string(5);
  volume.state = stored_state<VolumeState>(kStates, row.text(6));
  volume.reason = row.string(7);
  volume.source_kind = row.string(8);
  volume.source = row.uuid(9);
  volume.tags = row.string(10);
  volume.created_at = row.time(11);
  volume.updated_at = row.time(12);
  if (!row.is_null(13)) volume.wanted_bytes = static_cast<std::uint64_t>(row.integer(13));
  if (!row.is_null(14)) {
    volume.source_kind = kImage;
    volume.source = row.uuid(14);
  }
  return volume;
}

std::vector<Volume> read_volumes(Statement& query) {
  std::vector<Volume> volumes;
  while (query.step()) volumes.push_back(read_volume(query));
  return volumes;
}

std::optional<Volume> read_one(Statement& query) {
  if (!query.step()) return std::nullopt;
  return read_volume(query);
}

/// ?1 after seq, ?2 limit, ?3 project, ?4 node, ?5 name, ?6 state, ?7 and ?8 tag, ?9 VM, ?10
/// ids, only where `driver` has them, ?11 kinds of operations that hide a state, ?12 and ?13 the
/// least id of a prefix and the first above it. The index is named here, so that a list's cost
/// never hangs on statistics; the other filters are looked at row by row.
std::string list_sql(const char* from, const char* driver, const char* order = "v.seq") {
  return kSelect + from + " WHERE " + driver +
         "v.state <> 'deleted' AND v.seq > ?1"
         " AND (?3 IS NULL OR v.project = ?3)"
         " AND (?4 IS NULL OR v.node = ?4)"
         " AND (?5 IS NULL OR v.name = ?5)"
         " AND (?6 IS NULL OR (v.state = ?6 AND NOT EXISTS (SELECT 1 FROM operation_locks l"
         " JOIN operations o ON o.seq = l.operation_seq WHERE l.resource = 'volume/' || v.uid"
         " AND l.mode = 'exclusive' AND o.kind IN (SELECT value FROM json_each(?11)))))"
         " AND (?12 IS NULL OR (v.uid >= ?12 AND v.uid < ?13))"
         " AND (?7 IS NULL OR EXISTS (SELECT 1 FROM volume_tags x"
         " WHERE x.volume_seq = v.seq AND x.key = ?7 AND x.value = ?8))"
         " AND (?9 IS NULL OR EXISTS (SELECT 1 FROM attachments a"
         " WHERE a.volume_seq = v.seq AND a.vm = ?9 AND a.state <> 'closed'))"
         " ORDER BY " +
         order + " LIMIT ?2";
}

const std::string& list_sql_for(const VolumeFilter& filter) {
  static const std::string by_ids =
      list_sql("volumes v", "v.uid IN (SELECT value FROM json_each(?10)) AND ");
  static const std::string by_project_and_name =
      list_sql("volumes v INDEXED BY volumes_name", "v.name = ?5 AND v.project = ?3 AND ");
  static const std::string by_name =
      list_sql("volumes v INDEXED BY volumes_name", "v.name = ?5 AND ");
  static const std::string by_vm = list_sql(
      "volumes v NOT INDEXED",
      "v.seq IN (SELECT volume_seq FROM attachments WHERE vm = ?9 AND state <> 'closed') AND ");
  static const std::string by_tag =
      list_sql("volume_tags t CROSS JOIN volumes v",
               "t.key = ?7 AND t.value = ?8 AND t.volume_seq > ?1 AND v.seq = t.volume_seq AND ",
               "t.volume_seq");
  static const std::string by_project_and_tag =
      list_sql("volume_tags t INDEXED BY volume_tags_project CROSS JOIN volumes v",
               "t.project = ?3 AND t.key = ?7 AND t.value = ?8 AND t.volume_seq > ?1"
               " AND v.seq = t.volume_seq AND ",
               "t.volume_seq");
  static const std::string by_project_and_node =
      list_sql("volumes v INDEXED BY volumes_project_node", "v.project = ?3 AND v.node = ?4 AND ");
  static const std::string by_project_and_state = list_sql(
      "volumes v INDEXED BY volumes_project_state", "v.project = ?3 AND v.state = ?6 AND ");
  static const std::string by_prefix = list_sql("volumes v INDEXED BY sqlite_autoindex_volumes_1",
                                                "v.uid >= ?12 AND v.uid < ?13 AND ");
  static const std::string by_node =
      list_sql("volumes v INDEXED BY volumes_node", "v.node = ?4 AND ");
  static const std::string by_project =
      list_sql("volumes v INDEXED BY volumes_project", "v.project = ?3 AND ");
  static const std::string plain = list_sql("volumes v INDEXED BY volumes_live", "");

  if (!filter.ids.empty()) return by_ids;
  if (filter.name) return filter.project ? by_project_and_name : by_name;
  if (filter.vm) return by_vm;
  if (is_selective(filter.id_prefix)) return by_prefix;
  if (filter.tag) return filter.project ? by_project_and_tag : by_tag;
  if (filter.state && filter.project) return by_project_and_state;
  if (filter.node) return filter.project ? by_project_and_node : by_node;
  return filter.project ? by_project : plain;
}

}  // namespace

std::string_view to_string(VolumeState state) {
  return state_text(kStates, state);
}

std::optional<VolumeState> volume_state_from(std::string_view text) {
  return state_from<VolumeState>(kStates, text);
}

std::optional<Volume> VolumeTable::find(const Uuid& id) {
  static const std::string sql = kSelect + "volumes v WHERE v.uid = ?";
  auto query = connection_.prepare(sql);
  return read_one(query.bind(id));
}

std::optional<Volume> VolumeTable::find_by_name(std::string_view project, std::string_view name) {
  static const std::string sql =
      kSelect + "volumes v WHERE v.name = ? AND v.project = ? AND v.state <> 'deleted'";
  auto query = connection_.prepare(sql);
  return read_one(query.bind(name).bind(project));
}

std::vector<Volume> VolumeTable::list(const VolumeFilter& filter) {
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
  query.bind(filter.vm);
  bind_ids(query, filter.ids);
  query.bind(text_array(filter.passing_kinds));
  bind_prefix(query, filter.id_prefix);
  return read_volumes(query);
}

bool VolumeTable::insert(Volume& volume, const std::map<std::string, std::string>& tags) {
  auto row = connection_.prepare(
      "INSERT INTO volumes (uid, project, name, size_bytes, node, state, reason, source_kind,"
      " source_uid, image_id, tags, created_at, updated_at)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (name, project) WHERE state <> 'deleted' AND name IS NOT NULL DO NOTHING");
  row.bind(volume.id).bind(volume.project).bind(volume.name).bind(volume.size_bytes);
  row.bind(volume.node).bind(to_string(volume.state)).bind(volume.reason);
  const bool image = volume.source_kind == kImage && !volume.source.is_nil();
  row.bind(image ? "" : volume.source_kind).bind(image ? Uuid() : volume.source);
  row.bind(image ? volume.source : Uuid()).bind(volume.tags);
  row.bind(volume.created_at).bind(volume.updated_at);
  if (row.run() == 0) return false;
  volume.seq = connection_.last_insert_rowid();
  for (const auto& [key, value] : tags) {
    auto tag = connection_.prepare(
        "INSERT INTO volume_tags (volume_seq, project, key, value)"
        " VALUES (?, ?, ?, ?)");
    tag.bind(volume.seq).bind(volume.project).bind(key).bind(value).run();
  }
  return true;
}

std::optional<std::int64_t> VolumeTable::seq_of(const Uuid& id,
                                                const std::optional<std::string>& project) {
  return find_seq(connection_,
                  "SELECT seq FROM volumes WHERE uid = ?1 AND (?2 IS NULL OR project = ?2)", id,
                  project);
}

std::vector<Volume> VolumeTable::on_node(std::string_view node) {
  static const std::string sql =
      kSelect + "volumes v WHERE v.node = ? AND v.state <> 'deleted' ORDER BY v.seq";
  auto query = connection_.prepare(sql);
  return read_volumes(query.bind(node));
}

}  // namespace vbs::db
