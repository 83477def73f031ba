#include "api/handlers/volumes.h"

#include "api/access.h"
#include "api/handlers/new_volume.h"
#include "api/handlers/volume_growth.h"
#include "api/list_query.h"
#include "api/render.h"

namespace vbs::api {

namespace {

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
    std::vector<std::int64_t> seqs;
    for (const db::Volume& volume : volumes) seqs.push_back(volume.seq);
    rows_ = db::AttachmentTable(connection).open_of_volumes(seqs);
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
  auto wanted = read_new_volume(request);
  if (!wanted) return respond(http::problem(wanted.error()));
  if (submitter_.answered_before(principal, request, respond)) return;
  auto candidates = find_candidates(services_, *wanted);
  if (!candidates) return respond(http::problem(candidates.error()));

  db::Operation operation = submitter_.draft(principal, "create-volume");
  operation.volume = Uuid::generate(services_.clock, services_.random);
  submitter_.submit(
      principal, request, std::move(operation),
      [=, wanted = std::move(*wanted), candidates = std::move(*candidates),
       quota = services_.settings.quota_of(principal.project)](db::Transaction& tx,
                                                               db::Operation& op) {
        return write_volume(tx, principal, wanted, candidates, quota, op);
      },
      std::move(respond));
}

void VolumeHandlers::modify(const Principal& principal, const http::Request& request,
                            http::Responder respond) const {
  auto id = path_id(request, "id");
  if (!id) return respond(http::problem(id.error()));
  auto wanted = read_wanted_size(request);
  if (!wanted) return respond(http::problem(wanted.error()));
  db::Operation operation = submitter_.draft(principal, "modify-volume");
  operation.volume = *id;
  json::Writer options;
  options.begin_object();
  options.member("size_bytes", *wanted);
  options.member(workflow::kEachAttachment, true);
  options.end_object();
  operation.options = options.take();
  submitter_.submit(
      principal, request, std::move(operation),
      [this, principal, wanted = *wanted](db::Transaction& tx, db::Operation& op) {
        return write_growth(tx, principal, wanted, services_.nodes, services_.settings, op);
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
    const auto start = query.start(table, filter.after_seq);
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
