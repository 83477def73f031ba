#include "api/handlers/new_volume.h"

#include <algorithm>

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

/// An image is named by its id or its name, and stands in place of a source.
Result<void> check_image(const NewVolume& wanted) {
  if (!wanted.image) return {};
  if (!wanted.source_kind.empty()) return fail_field("image", "cannot be given beside a source");
  if (Uuid::parse(*wanted.image)) return {};
  return check_resource_name(*wanted.image, "image");
}

/// Lets a copy that is to have no certain size have its source's, in whole MiB.
Result<void> fill_size(std::uint64_t& size_bytes, std::uint64_t source_bytes) {
  if (size_bytes == 0) {
    const std::uint64_t units = (source_bytes + kSizeGranularity - 1) / kSizeGranularity;
    size_bytes = std::max(kMinVolumeSize, units * kSizeGranularity);
  }
  if (size_bytes < source_bytes) {
    return fail_field("size_bytes",
                      "must be at least its source's size, " + std::to_string(source_bytes));
  }
  return check_volume_size(size_bytes, "size_bytes");
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
  if (auto ok = fill_size(volume.size_bytes, origin->size_bytes); !ok) return ok;
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

/// Leaves of the servers those that have the image. `wanted` is the only one allowed, if not "".
Result<void> keep_those_with(const OfferedImage& image, const std::string& wanted,
                             std::vector<NodeView>& servers) {
  const auto& holders = image.servers;
  std::erase_if(servers, [&](const NodeView& server) {
    return std::find(holders.begin(), holders.end(), server.settings.name) == holders.end();
  });
  if (!servers.empty()) return {};
  std::string names;
  for (const std::string& name : holders) names += (names.empty() ? "" : ", ") + name;
  const std::string where = "image " + image.id.str() + " is on " + names;
  if (!wanted.empty())
    return fail_field("volume_server", "must be one that has the image: " + where);
  return fail(
      {ErrorCode::node_unavailable, where + ", and no volume server there is up", {}, {}, {}});
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
  wanted.image = fields.optional_string("image");
  wanted.tags = fields.string_map("tags");
  wanted.volume_server = fields.optional_string("volume_server").value_or("");
  if (auto ok = fields.finish(); !ok) return fail(ok.error());

  if (wanted.name) {
    if (auto ok = check_resource_name(*wanted.name, "name"); !ok) return fail(ok.error());
  }
  if (auto ok = check_image(wanted); !ok) return fail(ok.error());
  if (!wanted.size_bytes && wanted.source_kind.empty() && !wanted.image) {
    return fail_field("size_bytes", "is required for a volume without a source or an image");
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

Result<Candidates> find_candidates(const Services& services, NewVolume& wanted) {
  Candidates found;
  if (wanted.image) {
    auto image = services.images.find(*wanted.image);
    if (!image) {
      Error error = image.error();
      error.field = "image";
      return fail(std::move(error));
    }
    std::uint64_t size_bytes = wanted.size_bytes.value_or(0);
    if (auto ok = fill_size(size_bytes, image->size_bytes); !ok) return fail(ok.error());
    wanted.size_bytes = size_bytes;
    found.image = std::move(*image);
  }
  auto servers = volume_servers(services.nodes, wanted.volume_server);
  if (!servers) return fail(servers.error());
  found.servers = std::move(*servers);
  if (found.image) {
    if (auto ok = keep_those_with(*found.image, wanted.volume_server, found.servers); !ok)
      return fail(ok.error());
  }
  return found;
}

Result<void> write_volume(db::Transaction& tx, const Principal& principal, const NewVolume& wanted,
                          const Candidates& candidates, const db::Quota& quota,
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
  if (candidates.image) {
    volume.source_kind = "image";
    volume.source = candidates.image->id;
  }
  std::vector<NodeView> allowed;
  for (const NodeView& server : candidates.servers) {
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
