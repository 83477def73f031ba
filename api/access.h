#pragma once

#include <string>
#include <vector>

#include "api/services.h"
#include "common/json.h"
#include "db/transitions.h"

namespace vbs::api {

/// Finding rows for a principal: what it may not see looks exactly like what does not exist.
Result<db::Volume> visible_volume(db::Connection& connection, const Principal& principal,
                                  const Uuid& id);
Result<db::Snapshot> visible_snapshot(db::Connection& connection, const Principal& principal,
                                      const Uuid& id);
Result<db::Operation> visible_operation(db::Connection& connection, const Principal& principal,
                                        const Uuid& id);

/// Begins an operation on its volume, which must be visible and in order: takes the volume's lock
/// and `more`, and the volume's project for the operation.
Result<db::Volume> hold_volume(db::Transaction& tx, const Principal& principal,
                               db::Operation& operation, std::vector<db::LockRequest> more = {});

/// Volume servers that could take something now: up, healthy, and `wanted` if that is not "".
Result<std::vector<NodeView>> volume_servers(const NodeRegistry& nodes, const std::string& wanted);
/// The one of `servers` with the most room, with at least `bytes` of it; insufficient_space
/// otherwise.
Result<std::string> place_volume(db::Connection& connection, const std::vector<NodeView>& servers,
                                 std::uint64_t bytes);

/// insufficient_space where the server has no room for `bytes` more.
Result<void> check_room(db::Connection& connection, const NodeView& server, std::uint64_t bytes);

/// A map of strings as canonical JSON.
std::string tags_json(const std::map<std::string, std::string>& tags);
/// The body as a JSON object of at most 16 levels.
Result<json::Value> read_body(const http::Request& request);

/// Answers a GET from one read of the database.
http::Response answer_read(db::Database& database,
                           const std::function<Result<std::string>(db::Connection&)>& render);

/// Ends a list: the marker of the next page, or null.
void render_next(json::Writer& out, bool more, const Uuid& last);

}  // namespace vbs::api
