#include "api/handlers/volume_growth.h"

#include "api/access.h"
#include "common/units.h"

namespace vbs::api {

namespace {

/// Whether who uses the volume can be shown its new size.
Result<void> check_attached(db::Connection& connection, const db::Volume& volume,
                            const NodeView& server) {
  const auto attachments = db::AttachmentTable(connection).open_of_volume(volume.id);
  if (attachments.empty() || server.status->grows_attached) return {};
  return fail({ErrorCode::conflict,
               "volume " + volume.id.str() + " is attached to VM " + attachments.front().vm +
                   " as " + attachments.front().device + ", and volume server " + volume.node +
                   " (" + server.status->driver +
                   ") cannot show a new size to a VM that uses the volume; detach first",
               {},
               volume.node,
               {}});
}

/// The server that holds the volume, if it can act now.
Result<NodeView> server_of(const NodeRegistry& nodes, const db::Volume& volume) {
  auto server = nodes.view(volume.node);
  if (server && server->up && server->status && server->status->healthy) return std::move(*server);
  return fail({ErrorCode::node_unavailable,
               "volume server " + volume.node + ", which holds the volume, is not up" +
                   (server ? ": " + server->problem : std::string()),
               {},
               volume.node,
               {}});
}

}  // namespace

Result<std::uint64_t> read_wanted_size(const http::Request& request) {
  auto body = read_body(request);
  if (!body) return fail(body.error());
  json::Fields fields(*body);
  const std::uint64_t wanted = fields.uint64("size_bytes");
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  if (auto ok = check_volume_size(wanted, "size_bytes"); !ok) return fail(ok.error());
  return wanted;
}

Result<void> write_growth(db::Transaction& tx, const Principal& principal,
                          std::uint64_t wanted_bytes, const NodeRegistry& nodes,
                          const Settings& settings, db::Operation& operation) {
  db::Connection& connection = tx.connection();
  auto volume = hold_volume(tx, principal, operation);
  if (!volume) return fail(volume.error());
  if (wanted_bytes < volume->size_bytes) {
    return fail_field("size_bytes", "must be at least " + std::to_string(volume->size_bytes) +
                                        ", the present size; volumes do not shrink");
  }
  if (wanted_bytes == volume->size_bytes) return {};  // shown once more, and nothing else
  auto server = server_of(nodes, *volume);
  if (!server) return fail(server.error());
  if (auto ok = check_attached(connection, *volume, *server); !ok) return ok;
  const std::uint64_t more = wanted_bytes - volume->size_bytes;
  if (auto ok = check_room(connection, *server, more); !ok) return ok;
  auto reserved =
      db::UsageTable(connection)
          .reserve(volume->project, volume->node, {0, 0, more}, settings.quota_of(volume->project));
  if (!reserved) return reserved;
  return db::volume_growing(tx, volume->id, wanted_bytes, operation.created_at);
}

}  // namespace vbs::api
