#include "api/handlers/snapshots.h"

#include "api/access.h"
#include "api/list_query.h"
#include "api/render.h"
#include "common/names.h"

namespace vbs::api {

namespace {

/// The attachment through which a VM writes to the volume; nil if there is none.
Uuid writer_of(db::Connection& connection, const Uuid& volume) {
  for (const db::Attachment& attachment : db::AttachmentTable(connection).open_of_volume(volume)) {
    if (!attachment.read_only) return attachment.id;
  }
  return {};
}

Result<void> write_snapshot(db::Transaction& tx, const Principal& principal,
                            const NewSnapshot& wanted, const Services& services,
                            db::Operation& operation) {
  db::Connection& connection = tx.connection();
  operation.attachment = writer_of(connection, operation.volume);
  auto volume =
      hold_volume(tx, principal, operation, {{db::snapshot_resource(operation.snapshot)}});
  if (!volume) return fail(volume.error());
  if (const auto server = services.nodes.view(volume->node); server && server->status) {
    if (auto ok = check_room(connection, *server, volume->size_bytes); !ok) return ok;
  }
  db::Snapshot snapshot;
  snapshot.id = operation.snapshot;
  snapshot.project = volume->project;
  snapshot.name = wanted.name;
  snapshot.volume = volume->id;
  snapshot.size_bytes = volume->size_bytes;
  snapshot.node = volume->node;
  snapshot.reason = "create-snapshot has not finished";
  snapshot.tags = tags_json(wanted.tags);
  snapshot.created_at = snapshot.updated_at = operation.created_at;
  if (auto ok = db::UsageTable(connection)
                    .reserve(snapshot.project, snapshot.node, {0, 1, snapshot.size_bytes},
                             services.settings.quota_of(snapshot.project));
      !ok) {
    return ok;
  }
  if (!db::SnapshotTable(connection).insert(snapshot, wanted.tags)) {
    return fail({ErrorCode::already_exists,
                 "the project has a snapshot of that name already",
                 "name",
                 {},
                 {}});
  }
  return {};
}

}  // namespace

Result<NewSnapshot> read_new_snapshot(const http::Request& request) {
  auto body = read_body(request);
  if (!body) return fail(body.error());
  NewSnapshot wanted;
  json::Fields fields(*body);
  const std::string volume = fields.string("volume_id");
  wanted.name = fields.optional_string("name");
  wanted.tags = fields.string_map("tags");
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  const auto id = Uuid::parse(volume);
  if (!id) return fail_field("volume_id", "must be an id (a UUID)");
  wanted.volume = *id;
  if (wanted.name) {
    if (auto ok = check_resource_name(*wanted.name, "name"); !ok) return fail(ok.error());
  }
  if (auto ok = check_tags(wanted.tags, "tags"); !ok) return fail(ok.error());
  return wanted;
}

void SnapshotHandlers::create(const Principal& principal, const http::Request& request,
                              http::Responder respond) const {
  auto wanted = read_new_snapshot(request);
  if (!wanted) return respond(http::problem(wanted.error()));
  db::Operation operation = submitter_.draft(principal, "create-snapshot");
  operation.volume = wanted->volume;
  operation.snapshot = Uuid::generate(services_.clock, services_.random);
  submitter_.submit(
      principal, request, std::move(operation),
      [principal, wanted = std::move(*wanted), &services = services_](db::Transaction& tx,
                                                                      db::Operation& op) {
        return write_snapshot(tx, principal, wanted, services, op);
      },
      std::move(respond));
}

void SnapshotHandlers::remove(const Principal& principal, const http::Request& request,
                              http::Responder respond) const {
  auto id = path_id(request, "id");
  if (!id) return respond(http::problem(id.error()));
  db::Operation operation = submitter_.draft(principal, "delete-snapshot");
  operation.snapshot = *id;
  auto intent = [principal](db::Transaction& tx, db::Operation& op) -> Result<void> {
    auto snapshot = visible_snapshot(tx.connection(), principal, op.snapshot);
    if (!snapshot) return fail(snapshot.error());
    op.project = snapshot->project;
    return db::begin_operation(tx, op, {{db::snapshot_resource(op.snapshot)}});
  };
  submitter_.submit(principal, request, std::move(operation), std::move(intent),
                    std::move(respond));
}

http::Response SnapshotHandlers::list(const Principal& principal,
                                      const http::Request& request) const {
  ListQuery query(request);
  query.read_page();
  query.read_projects(principal);
  db::SnapshotFilter filter;
  filter.project = query.project();
  filter.ids = query.ids("id");
  filter.name = query.text("name");
  filter.node = query.text("node");
  filter.volume = query.id("volume");
  filter.state = query.one_of("state", db::snapshot_state_from, "available, error");
  filter.passing_kinds = kinds_passing_snapshots();
  filter.tag = query.pair("tag");
  filter.id_prefix = query.prefix();
  if (auto ok = query.finish(); !ok) return http::problem(ok.error());
  filter.limit = query.limit() + 1;

  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    db::SnapshotTable table(connection);
    const auto start = query.start(table, filter.after_seq);
    if (!start) return fail(start.error());
    filter.after_seq = *start;
    auto snapshots = table.list(filter);
    const bool more = snapshots.size() > query.limit();
    if (more) snapshots.pop_back();
    const Holders holders(connection);
    json::Writer out;
    out.begin_object();
    out.key("snapshots");
    out.begin_array();
    for (const db::Snapshot& snapshot : snapshots) {
      render_snapshot(out, snapshot, holders.of(db::snapshot_resource(snapshot.id)));
    }
    out.end_array();
    render_next(out, more, snapshots.empty() ? Uuid() : snapshots.back().id);
    out.end_object();
    return out.take();
  });
}

http::Response SnapshotHandlers::get(const Principal& principal,
                                     const http::Request& request) const {
  auto id = path_id(request, "id");
  if (!id) return http::problem(id.error());
  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    auto snapshot = visible_snapshot(connection, principal, *id);
    if (!snapshot) return fail(snapshot.error());
    json::Writer out;
    render_snapshot_of(out, connection, *snapshot);
    return out.take();
  });
}

}  // namespace vbs::api
