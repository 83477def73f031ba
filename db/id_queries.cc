#include "db/id_queries.h"

namespace vbs::db {

std::string id_array(const std::vector<Uuid>& ids) {
  std::string text = "[";
  for (const auto& id : ids) {
    if (text.size() > 1) text += ',';
    text += '"' + id.str() + '"';
  }
  return text + ']';
}

std::optional<std::int64_t> find_seq(Connection& connection, std::string_view sql, const Uuid& id) {
  auto query = connection.prepare(sql);
  if (!query.bind(id).step()) return std::nullopt;
  return query.integer(0);
}

std::vector<Uuid> find_ids_by_prefix(Connection& connection, std::string_view sql,
                                     std::string_view project, std::string_view prefix,
                                     std::size_t limit) {
  // 'g' sorts behind every character of an id.
  const std::string above = std::string(prefix) + 'g';
  auto query = connection.prepare(sql);
  query.bind(project).bind(prefix).bind(above).bind(static_cast<std::int64_t>(limit));
  std::vector<Uuid> ids;
  while (query.step()) ids.push_back(query.uuid(0));
  return ids;
}

}  // namespace vbs::db
