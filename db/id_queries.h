#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/connection.h"

namespace vbs::db {

/// ["<id>",...] for `json_each`, so that one statement serves any number of ids.
std::string id_array(const std::vector<Uuid>& ids);

/// The first column of `sql`, whose parameter is `id`.
std::optional<std::int64_t> find_seq(Connection& connection, std::string_view sql, const Uuid& id);

/// Runs `sql`, whose parameters are the project, the least id, the id that is above the greatest,
/// and the limit, for the ids that begin with `prefix`.
std::vector<Uuid> find_ids_by_prefix(Connection& connection, std::string_view sql,
                                     std::string_view project, std::string_view prefix,
                                     std::size_t limit);

}  // namespace vbs::db
