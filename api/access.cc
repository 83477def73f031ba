#include "api/access.h"

#include "common/units.h"
#include "db/usage_table.h"

namespace vbs::api {

namespace {

tl::unexpected<Error> absent(std::string_view noun, const Uuid& id) {
  return fail(ErrorCode::not_found, "there is no " + std::string(noun) + " " + id.str());
}

}  // namespace

Result<db::Volume> visible_volume(db::Connection& connection, const Principal& principal,
                                  const Uuid& id) {
  auto volume = db::VolumeTable(connection).find(id);
  const bool shown =
      volume && volume->state != db::VolumeState::deleted && principal.may_see(volume->project);
  if (!shown) return absent("volume", id);
  return std::move(*volume);
}

Result<db::Snapshot> visible_snapshot(db::Connection& connection, const Principal& principal,
                                      const Uuid& id) {
  auto snapshot = db::SnapshotTable(connection).find(id);
  const bool shown = snapshot && snapshot->state != db::SnapshotState::deleted &&
                     principal.may_see(snapshot->project);
  if (!shown) return absent("snapshot", id);
  return std::move(*snapshot);
}

Result<db::Operation> visible_operation(db::Connection& connection, const Principal& principal,
                                        const Uuid& id) {
  auto operation = db::OperationTable(connection).find(id);
  if (!operation || !principal.may_see(operation->project)) return absent("operation", id);
  return std::move(*operation);
}

Result<db::Volume> hold_volume(db::Transaction& tx, const Principal& principal,
                               db::Operation& operation, std::vector<db::LockRequest> more) {
  auto volume = visible_volume(tx.connection(), principal, operation.volume);
  if (!volume) return volume;
  operation.project = volume->project;
  more.push_back({db::volume_resource(volume->id)});
  if (auto ok = db::begin_operation(tx, operation, more); !ok) return fail(ok.error());
  if (volume->state == db::VolumeState::error) {
    return fail(ErrorCode::conflict,
                "volume " + volume->id.str() + " is not available: " + volume->reason);
  }
  return volume;
}

Result<std::vector<NodeView>> volume_servers(const NodeRegistry& nodes, const std::string& wanted) {
  std::vector<NodeView> usable;
  std::string why = "no volume server is configured";
  bool known = false;
  for (NodeView& view : nodes.views()) {
    if (view.settings.role != NodeRole::volume_server) continue;
    if (!wanted.empty() && view.settings.name != wanted) continue;
    known = true;
    if (view.up && view.status && view.status->healthy)
      usable.push_back(std::move(view));
    else
      why = "volume server " + view.settings.name + ": " + view.problem;
  }
  if (!wanted.empty() && !known)
    return fail_field("volume_server", "there is no volume server named " + wanted);
  if (usable.empty()) {
    return fail({ErrorCode::node_unavailable,
                 "no volume server can take a volume now; " + why,
                 {},
                 wanted,
                 {}});
  }
  return usable;
}

Result<std::string> place_volume(db::Connection& connection, const std::vector<NodeView>& servers,
                                 std::uint64_t bytes) {
  db::UsageTable usage(connection);
  std::string best;
  std::uint64_t most = 0;
  for (const NodeView& server : servers) {
    const std::uint64_t capacity = server.status->capacity_bytes;
    const std::uint64_t reserved = usage.reserved_on(server.settings.name);
    const std::uint64_t room = capacity > reserved ? capacity - reserved : 0;
    if (best.empty() || room > most) {
      best = server.settings.name;
      most = room;
    }
  }
  if (most >= bytes) return best;
  return fail({ErrorCode::insufficient_space,
               format_size(bytes) + " are needed, and the volume server with the most room, " +
                   best + ", has " + format_size(most) +
                   "; delete volumes or snapshots, or add a volume server",
               {},
               best,
               {}});
}

Result<void> check_room(db::Connection& connection, const NodeView& server, std::uint64_t bytes) {
  const auto place = place_volume(connection, {server}, bytes);
  if (!place) return fail(place.error());
  return {};
}

std::string tags_json(const std::map<std::string, std::string>& tags) {
  json::Writer out;
  out.begin_object();
  for (const auto& [key, value] : tags) out.member(key, value);
  out.end_object();
  return out.take();
}

Result<json::Value> read_body(const http::Request& request) {
  if (request.body.empty())
    return fail(ErrorCode::invalid_request, "a JSON object is required as the body");
  auto value = json::parse(request.body);
  if (!value) return value;
  if (!value->as<json::Value::Object>()) {
    return fail(ErrorCode::invalid_request,
                "the body must be a JSON object, not " + std::string(value->type_name()));
  }
  return value;
}

http::Response answer_read(db::Database& database,
                           const std::function<Result<std::string>(db::Connection&)>& render) {
  auto body = database.read(render);
  if (!body) return http::problem(body.error());
  if (!*body) return http::problem(body->error());
  return http::json(200, std::move(**body));
}

void render_next(json::Writer& out, bool more, const Uuid& last) {
  out.key("next");
  more ? out.string(last.str()) : out.null();
}

}  // namespace vbs::api
