#include "db/id_queries.h"

namespace vbs::db {

namespace {

/// The first 8 digits of a UUIDv7 count units of 65 seconds (RFC 9562, section 5.7).
constexpr std::size_t kSelectivePrefix = 8;

}  // namespace

std::string text_array(const std::vector<std::string>& texts) {
  std::string array = "[";
  for (const auto& text : texts) {
    if (array.size() > 1) array += ',';
    array += '"' + text + '"';
  }
  return array + ']';
}

void bind_ids(Statement& query, const std::vector<Uuid>& ids) {
  if (ids.empty()) {
    query.bind_null();
    return;
  }
  std::vector<std::string> texts;
  for (const auto& id : ids) texts.push_back(id.str());
  query.bind(text_array(texts));
}

void bind_prefix(Statement& query, const std::optional<std::string>& prefix) {
  // 'g' sorts behind every character of an id.
  const auto above = prefix ? std::optional(*prefix + 'g') : std::nullopt;
  query.bind(prefix).bind(above);
}

bool is_selective(const std::optional<std::string>& prefix) {
  return prefix && prefix->size() >= kSelectivePrefix;
}

std::optional<std::int64_t> find_seq(Connection& connection, std::string_view sql, const Uuid& id,
                                     const std::optional<std::string>& project) {
  auto query = connection.prepare(sql);
  if (!query.bind(id).bind(project).step()) return std::nullopt;
  return query.integer(0);
}

}  // namespace vbs::db
