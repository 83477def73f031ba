#include "api/handlers/volumes.h"

#include "api/access.h"
#include "api/list_query.h"
#include "api/render.h"
#include "common/names.h"
#include "common/units.h"

namespace vbs::api {

namespace {

/// Body of POST /v1/volumes.
struct CreateRequest {
  std::optional<std::string> name;
  std::optional<std::uint64_t> size_bytes;
  std::string source_kind;
  Uuid source;
  std::map<std::string, std::string> tags;
  std::string volume_server;
};

void read_source(json::Fields& fields, CreateRequest& wanted) {
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

Result<CreateRequest> read_create(const http::Request& request) {
  auto body = read_body(request);
  if (!body) return fail(body.error());
  CreateRequest wanted;
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
                              const CreateRequest& wanted, db::Volume& volume) {
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
                                  const CreateRequest& wanted) {
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

db::LockRequest source_lock(const CreateRequest& wanted) {
  const bool snapshot = wanted.source_kind == "snapshot";
  return {snapshot ? db::snapshot_resource(wanted.source) : db::volume_resource(wanted.source),
          db::LockMode::shared};
}

/// The rows of one new volume.
Result<void> write_volume(db::Transaction& tx, const Principal& principal,
                          const CreateRequest& wanted, const std::vector<NodeView>& servers,
                          const db::Quota& quota, db::Operation& operation) {
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

/// Whether the volume's snapshots, if it has any, can do without it.
Result<void> check_snapshots(const NodeRegistry& nodes, db::Connection& connection,
                             const db::Volume& volume) {
  if (db::SnapshotTable(connection).count_of_volume(volume.id) == 0) return {};
  const auto server = nodes.view(volume.node);
  if (!server || !server->status) {
    return fail({ErrorCode::node_unavailable,
                 "volume " + volume.id.str() + " has snapshots, and volume server " + volume.node +
                     " has not said yet whether they need it",
                 {},
                 volume.node,
                 {}});
  }
  if (!server->status->snapshots_need_volume) return {};
  return fail(ErrorCode::conflict,
              "volume " + volume.id.str() + " has snapshots that need it; delete them first");
}

/// Open attachments of a page of volumes; they come in order of the volumes.
class AttachmentsOfPage {
 public:
  AttachmentsOfPage(db::Connection& connection, const std::vector<db::Volume>& volumes) {
    if (volumes.empty()) return;
    rows_ = db::AttachmentTable(connection)
                .open_of_volume_range(volumes.front().seq, volumes.back().seq);
    for (const db::Attachment& row : rows_) {
      auto& range = ranges_.try_emplace(row.volume, &row, &row).first->second;
      range.second = &row + 1;
    }
  }
  std::pair<const db::Attachment*, const db::Attachment*> of(const Uuid& volume) const {
    if (ranges_.empty()) return {nullptr, nullptr};
    const auto entry = ranges_.find(volume);
    return entry == ranges_.end() ? std::pair<const db::Attachment*, const db::Attachment*>()
                                  : entry->second;
  }

 private:
  std::vector<db::Attachment> rows_;
  std::map<Uuid, std::pair<const db::Attachment*, const db::Attachment*>> ranges_;
};

std::string render_page(db::Connection& connection, std::vector<db::Volume> volumes,
                        std::size_t limit) {
  const bool more = volumes.size() > limit;
  if (more) volumes.pop_back();
  const AttachmentsOfPage attachments(connection, volumes);
  const Holders holders(connection);
  json::Writer out;
  out.begin_object();
  out.key("volumes");
  out.begin_array();
  for (const db::Volume& volume : volumes) {
    const auto [first, last] = attachments.of(volume.id);
    const auto* holder = holders.empty() ? nullptr : holders.of(db::volume_resource(volume.id));
    render_volume(out, volume, holder, first, last);
  }
  out.end_array();
  render_next(out, more, volumes.empty() ? Uuid() : volumes.back().id);
  out.end_object();
  return out.take();
}

}  // namespace

void VolumeHandlers::create(const Principal& principal, const http::Request& request,
                            http::Responder respond) const {
  auto wanted = read_create(request);
  if (!wanted) return respond(http::problem(wanted.error()));
  if (submitter_.answered_before(principal, request, respond)) return;
  auto servers = volume_servers(services_.nodes, wanted->volume_server);
  if (!servers) return respond(http::problem(servers.error()));

  db::Operation operation = submitter_.draft(principal, "create-volume");
  operation.volume = Uuid::generate(services_.clock, services_.random);
  if (!wanted->source_kind.empty()) {
    operation.deadline = operation.created_at + services_.settings.workflows.copy_deadline;
  }
  submitter_.submit(
      principal, request, std::move(operation),
      [=, wanted = std::move(*wanted), servers = std::move(*servers),
       quota = services_.settings.quota_of(principal.project)](db::Transaction& tx,
                                                               db::Operation& op) {
        return write_volume(tx, principal, wanted, servers, quota, op);
      },
      std::move(respond));
}

void VolumeHandlers::remove(const Principal& principal, const http::Request& request,
                            http::Responder respond) const {
  auto id = path_id(request, "id");
  if (!id) return respond(http::problem(id.error()));
  db::Operation operation = submitter_.draft(principal, "delete-volume");
  operation.volume = *id;
  auto intent = [this, principal](db::Transaction& tx, db::Operation& op) -> Result<void> {
    auto volume = visible_volume(tx.connection(), principal, op.volume);
    if (!volume) return fail(volume.error());
    op.project = volume->project;
    if (auto ok = db::begin_operation(tx, op, {{db::volume_resource(op.volume)}}); !ok) return ok;
    const auto attachments = db::AttachmentTable(tx.connection()).open_of_volume(op.volume);
    if (!attachments.empty()) {
      return fail(ErrorCode::conflict, "volume " + op.volume.str() + " is in use: attached to VM " +
                                           attachments.front().vm + " as " +
                                           attachments.front().device + "; detach it first");
    }
    return check_snapshots(services_.nodes, tx.connection(), *volume);
  };
  submitter_.submit(principal, request, std::move(operation), std::move(intent),
                    std::move(respond));
}

http::Response VolumeHandlers::list(const Principal& principal,
                                    const http::Request& request) const {
  ListQuery query(request);
  query.read_page();
  query.read_projects(principal);
  db::VolumeFilter filter;
  filter.project = query.project();
  filter.ids = query.ids("id");
  filter.name = query.text("name");
  filter.node = query.text("node");
  filter.state = query.one_of("state", db::volume_state_from, "available, in-use, error");
  filter.passing_kinds = kinds_passing_volumes();
  filter.tag = query.pair("tag");
  filter.vm = query.text("vm");
  filter.id_prefix = query.prefix();
  if (auto ok = query.finish(); !ok) return http::problem(ok.error());
  filter.limit = query.limit() + 1;

  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    db::VolumeTable table(connection);
    const auto start = query.start(table);
    if (!start) return fail(start.error());
    filter.after_seq = *start;
    return render_page(connection, table.list(filter), query.limit());
  });
}

http::Response VolumeHandlers::get(const Principal& principal, const http::Request& request) const {
  auto id = path_id(request, "id");
  if (!id) return http::problem(id.error());
  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    auto volume = visible_volume(connection, principal, *id);
    if (!volume) return fail(volume.error());
    json::Writer out;
    render_volume_of(out, connection, *volume);
    return out.take();
  });
}

}  // namespace vbs::api
