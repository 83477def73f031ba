#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/connection.h"

namespace vbs::db {

/// ["<text>",...] for `json_each`; of texts that need no escapes, such as names of nodes.
std::string text_array(const std::vector<std::string>& texts);

/// The next parameter: the ids for `json_each`, so that one statement serves any number of them.
void bind_ids(Statement& query, const std::vector<Uuid>& ids);

/// The next two parameters: the least id that begins so, and what is above the greatest.
void bind_prefix(Statement& query, const std::optional<std::string>& prefix);
/// Whether so few ids begin so (those of about a minute) that they may be sorted.
bool is_selective(const std::optional<std::string>& prefix);

/// The first column of `sql`, whose parameters are an id and the project it must be of, if any.
std::optional<std::int64_t> find_seq(Connection& connection, std::string_view sql, const Uuid& id,
                                     const std::optional<std::string>& project);

}  // namespace vbs::db
