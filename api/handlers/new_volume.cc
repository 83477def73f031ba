#include "api/handlers/new_volume.h"

#include "api/access.h"
#include "common/names.h"
#include "common/units.h"

namespace vbs::api {

namespace {

void read_source(json::Fields& fields, NewVolume& wanted) {
  const json::Value* source = fields.optional_object("source");
  if (!source) return;
  json::Fields inner(*source, "source.");
  wanted.source_kind = inner.string("type");
  const std::string id = inner.string("id");
  if (inner.ok() && wanted.source_kind != "snapshot" && wanted.source_kind != "volume") {
    inner.reject("type", "must be \"snapshot\" or \"volume\"");
  }
  const auto uuid = Uuid::parse(id);
  if (inner.ok() && !uuid) inner.reject("id", "must be an id (a UUID)");
  if (uuid) wanted.source = *uuid;
  if (auto ok = inner.finish(); !ok) fields.reject(ok.error());
}

/// Where a copy comes from: it must be at rest, and the copy is made on the same volume server.
struct Origin {
  std::uint64_t size_bytes = 0;
  std::string node;
};

Result<Origin> origin_snapshot(db::Connection& connection, const Principal& principal,
                               const Uuid& id) {
  auto snapshot = visible_snapshot(connection, principal, id);
  if (!snapshot) return fail(snapshot.error());
  if (snapshot->state != db::SnapshotState::available) {
    return fail(ErrorCode::conflict,
                "snapshot " + id.str() + " is not available: " + snapshot->reason);
  }
  return Origin{snapshot->size_bytes, snapshot->node};
}

Result<Origin> origin_volume(db::Connection& connection, const Principal& principal,
                             const Uuid& id) {
  auto volume = visible_volume(connection, principal, id);
  if (!volume) return fail(volume.error());
  if (volume->state == db::VolumeState::error) {
    return fail(ErrorCode::conflict, "volume " + id.str() + " is not available: " + volume->reason);
  }
  for (const db::Attachment& attachment : db::AttachmentTable(connection).open_of_volume(id)) {
    if (attachment.read_only) continue;
    return fail(ErrorCode::conflict, "volume " + id.str() + " is written to by VM " +
                                         attachment.vm +
                                         "; create a snapshot and copy that, or detach it first");
  }
  return Origin{volume->size_bytes, volume->node};
}

Result<void> fill_from_source(db::Connection& connection, const Principal& principal,
                              const NewVolume& wanted, db::Volume& volume) {
  auto origin = wanted.source_kind == "snapshot"
                    ? origin_snapshot(connection, principal, wanted.source)
                    : origin_volume(connection, principal, wanted.source);
  if (!origin) {
    Error error = origin.error();
    if (error.field.empty()) error.field = "source.id";
    return fail(std::move(error));
  }
  if (!wanted.volume_server.empty() && wanted.volume_server != origin->node) {
    return fail_field("volume_server", "a copy is made where its source is, on " + origin->node);
  }
  if (volume.size_bytes == 0) volume.size_bytes = origin->size_bytes;
  if (volume.size_bytes < origin->size_bytes) {
    return fail_field("size_bytes",
                      "must be at least its source's size, " + std::to_string(origin->size_bytes));
  }
  volume.node = origin->node;
  volume.source_kind = wanted.source_kind;
  volume.source = wanted.source;
  return {};
}

Result<void> check_source_visible(db::Connection& connection, const Principal& principal,
                                  const NewVolume& wanted) {
  Result<void> ok;
  if (wanted.source_kind == "snapshot") {
    if (auto found = visible_snapshot(connection, principal, wanted.source); !found)
      ok = fail(found.error());
  } else if (auto found = visible_volume(connection, principal, wanted.source); !found) {
    ok = fail(found.error());
  }
  if (!ok) ok.error().field = "source.id";
  return ok;
}

db::LockRequest source_lock(const NewVolume& wanted) {
  const bool snapshot = wanted.source_kind == "snapshot";
  return {snapshot ? db::snapshot_resource(wanted.source) : db::volume_resource(wanted.source),
          db::LockMode::shared};
}

}  // namespace

Result<NewVolume> read_new_volume(const http::Request& request) {
  auto body = read_body(request);
  if (!body) return fail(body.error());
  NewVolume wanted;
  json::Fields fields(*body);
  wanted.name = fields.optional_string("name");
  wanted.size_bytes = fields.optional_uint64("size_bytes");
  read_source(fields, wanted);
  wanted.tags = fields.string_map("tags");
  wanted.volume_server = fields.optional_string("volume_server").value_or("");
  if (auto ok = fields.finish(); !ok) return fail(ok.error());

  if (wanted.name) {
    if (auto ok = check_resource_name(*wanted.name, "name"); !ok) return fail(ok.error());
  }
  if (!wanted.size_bytes && wanted.source_kind.empty()) {
    return fail_field("size_bytes", "is required for a volume without a source");
  }
  if (wanted.size_bytes) {
    if (auto ok = check_volume_size(*wanted.size_bytes, "size_bytes"); !ok) return fail(ok.error());
  }
  if (auto ok = check_tags(wanted.tags, "tags"); !ok) return fail(ok.error());
  if (!wanted.volume_server.empty()) {
    if (auto ok = check_node_name(wanted.volume_server, "volume_server"); !ok)
      return fail(ok.error());
  }
  return wanted;
}

Result<void> write_volume(db::Transaction& tx, const Principal& principal, const NewVolume& wanted,
                          const std::vector<NodeView>& servers, const db::Quota& quota,
                          db::Operation& operation) {
  db::Connection& connection = tx.connection();
  std::vector<db::LockRequest> locks{{db::volume_resource(operation.volume)}};
  if (!wanted.source_kind.empty()) {
    // Before the lock: who holds a source is only for those who may see it.
    if (auto ok = check_source_visible(connection, principal, wanted); !ok) return ok;
    locks.push_back(source_lock(wanted));
  }
  if (auto ok = db::begin_operation(tx, operation, locks); !ok) return ok;

  db::Volume volume;
  volume.id = operation.volume;
  volume.project = principal.project;
  volume.name = wanted.name;
  volume.size_bytes = wanted.size_bytes.value_or(0);
  volume.reason = "create-volume has not finished";
  volume.tags = tags_json(wanted.tags);
  volume.created_at = volume.updated_at = operation.created_at;
  if (!wanted.source_kind.empty()) {
    if (auto ok = fill_from_source(connection, principal, wanted, volume); !ok) return ok;
  }
  std::vector<NodeView> allowed;
  for (const NodeView& server : servers) {
    if (volume.node.empty() || server.settings.name == volume.node) allowed.push_back(server);
  }
  if (allowed.empty()) {
    return fail({ErrorCode::node_unavailable,
                 "volume server " + volume.node + ", which holds the source, is not up",
                 {},
                 volume.node,
                 {}});
  }
  auto place = place_volume(connection, allowed, volume.size_bytes);
  if (!place) return fail(place.error());
  volume.node = *place;
  if (auto ok = db::UsageTable(connection)
                    .reserve(principal.project, volume.node, {1, 0, volume.size_bytes}, quota);
      !ok) {
    return ok;
  }
  if (!db::VolumeTable(connection).insert(volume, wanted.tags)) {
    return fail({ErrorCode::already_exists,
                 "the project has a volume of that name already",
                 "name",
                 {},
                 {}});
  }
  return {};
}

}  // namespace vbs::api
