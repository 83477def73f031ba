#include "api/render.h"

#include "db/transitions.h"

namespace vbs::api {

namespace {

void member_time(json::Writer& out, std::string_view name, WallTime time) {
  out.member(name, to_rfc3339(time));
}

void member_time(json::Writer& out, std::string_view name, const std::optional<WallTime>& time) {
  out.key(name);
  time ? out.string(to_rfc3339(*time)) : out.null();
}

void member_or_null(json::Writer& out, std::string_view name, std::string_view text) {
  out.key(name);
  text.empty() ? out.null() : out.string(text);
}

void member_id_or_null(json::Writer& out, std::string_view name, const Uuid& id) {
  out.key(name);
  id.is_nil() ? out.null() : out.string(id.str());
}

void member_holder(json::Writer& out, const db::HeldLock* holder) {
  out.key("operation");
  if (!holder) return out.null();
  out.begin_object();
  out.member("id", holder->operation.str());
  out.member("kind", holder->kind);
  out.end_object();
}

/// The state that a volume passes through while `holder` works on it; "" for operations that leave
/// it where it rests.
std::string_view passing_state(const db::HeldLock* holder) {
  if (!holder) return "";
  if (holder->kind == "create-volume" || holder->kind == "create-snapshot") return "creating";
  if (holder->kind == "delete-volume" || holder->kind == "delete-snapshot") return "deleting";
  if (holder->kind == "attach-volume") return "attaching";
  if (holder->kind == "detach-volume") return "detaching";
  return "";
}

void render_error(json::Writer& out, const Error& error) {
  out.begin_object();
  out.member("code", to_string(error.code));
  out.member("message", error.message);
  if (!error.field.empty()) out.member("field", error.field);
  if (!error.node.empty()) out.member("node", error.node);
  out.end_object();
}

void render_waiting(json::Writer& out, const db::Operation& operation) {
  out.key("waiting");
  if (operation.waiting_for.empty() || operation.ended_at) return out.null();
  out.begin_object();
  out.member("for", operation.waiting_for);
  member_time(out, "since", operation.step_since);
  out.member("attempt", std::int64_t{operation.attempt});
  member_time(out, "next_retry_at", operation.next_retry_at);
  out.end_object();
}

void render_steps(json::Writer& out, const db::Operation& operation,
                  const workflow::Workflow* workflow) {
  out.key("steps");
  out.begin_array();
  if (workflow) {
    for (const workflow::Step& step : workflow->steps) out.string(step.name);
  }
  out.end_array();
  const bool known = workflow && !operation.ended_at && operation.step >= 0 &&
                     operation.step < static_cast<int>(workflow->steps.size());
  member_or_null(out, "step",
                 known ? workflow->steps[static_cast<std::size_t>(operation.step)].name : "");
  out.member("step_number", std::int64_t{operation.step + 1});
}

void render_notes(json::Writer& out, const db::Operation& operation) {
  out.key("notes");
  out.begin_array();
  auto data = json::parse(operation.data);
  const auto* notes = data ? data->find("notes") : nullptr;
  if (const auto* lines = notes ? notes->as<json::Value::Array>() : nullptr) {
    for (const json::Value& line : *lines) {
      if (const auto* text = line.as<std::string>()) out.string(*text);
    }
  }
  out.end_array();
}

void render_events(json::Writer& out, const std::vector<db::OperationEvent>& events) {
  out.key("events");
  out.begin_array();
  for (const db::OperationEvent& event : events) {
    out.begin_object();
    member_time(out, "at", event.at);
    out.member("step", event.step);
    out.member("what", event.what);
    member_or_null(out, "node", event.node);
    out.member("message", event.message);
    out.member("elapsed_ms", event.elapsed_ms);
    out.end_object();
  }
  out.end_array();
}

}  // namespace

Holders::Holders(db::Connection& connection) {
  for (db::HeldLock& lock : db::OperationTable(connection).locks()) {
    if (lock.mode == db::LockMode::exclusive) locks_.emplace(lock.resource, std::move(lock));
  }
}

const db::HeldLock* Holders::of(const std::string& resource) const {
  if (locks_.empty()) return nullptr;
  const auto entry = locks_.find(resource);
  return entry == locks_.end() ? nullptr : &entry->second;
}

const std::vector<std::string>& kinds_passing_volumes() {
  static const std::vector<std::string> kinds{"create-volume", "delete-volume", "attach-volume",
                                              "detach-volume"};
  return kinds;
}

const std::vector<std::string>& kinds_passing_snapshots() {
  static const std::vector<std::string> kinds{"create-snapshot", "delete-snapshot"};
  return kinds;
}

void render_volume(json::Writer& out, const db::Volume& volume, const db::HeldLock* holder,
                   const db::Attachment* first, const db::Attachment* last) {
  const bool snapshotting = holder && holder->kind == "create-snapshot";
  const std::string_view passing = snapshotting ? "" : passing_state(holder);
  out.begin_object();
  out.member("id", volume.id.str());
  out.member("name", volume.name);
  out.member("project", volume.project);
  out.member("size_bytes", volume.size_bytes);
  out.member("state", passing.empty() ? db::to_string(volume.state) : passing);
  if (volume.state == db::VolumeState::error && passing.empty())
    out.member("reason", volume.reason);
  out.member("volume_server", volume.node);
  out.key("source");
  if (volume.source_kind.empty()) {
    out.null();
  } else {
    out.begin_object();
    out.member("type", volume.source_kind);
    out.member("id", volume.source.str());
    out.end_object();
  }
  out.key("tags");
  out.raw(volume.tags);
  out.key("attachments");
  out.begin_array();
  for (; first != last; ++first) render_attachment(out, *first, holder);
  out.end_array();
  member_holder(out, holder);
  member_time(out, "created_at", volume.created_at);
  member_time(out, "updated_at", volume.updated_at);
  out.end_object();
}

void render_snapshot(json::Writer& out, const db::Snapshot& snapshot, const db::HeldLock* holder) {
  const std::string_view passing = passing_state(holder);
  out.begin_object();
  out.member("id", snapshot.id.str());
  out.member("name", snapshot.name);
  out.member("project", snapshot.project);
  out.member("volume_id", snapshot.volume.str());
  out.member("size_bytes", snapshot.size_bytes);
  out.member("state", passing.empty() ? db::to_string(snapshot.state) : passing);
  if (snapshot.state == db::SnapshotState::error && passing.empty())
    out.member("reason", snapshot.reason);
  out.member("volume_server", snapshot.node);
  member_or_null(out, "consistency", snapshot.consistency);
  out.key("tags");
  out.raw(snapshot.tags);
  member_holder(out, holder);
  member_time(out, "created_at", snapshot.created_at);
  member_time(out, "updated_at", snapshot.updated_at);
  out.end_object();
}

void render_attachment(json::Writer& out, const db::Attachment& attachment,
                       const db::HeldLock* holder) {
  std::string_view state = db::to_string(attachment.state);
  if (attachment.state == db::AttachmentState::reserved) state = "attaching";
  if (attachment.state == db::AttachmentState::attached && holder &&
      holder->kind == "detach-volume") {
    state = "detaching";
  }
  out.begin_object();
  out.member("id", attachment.id.str());
  out.member("volume_id", attachment.volume.str());
  out.member("vm", attachment.vm);
  out.member("node", attachment.vmm_node);
  out.member("device", attachment.device);
  out.member("read_only", attachment.read_only);
  out.member("state", state);
  member_or_null(out, "serial", attachment.serial);
  out.member("guest_device", attachment.guest_device);
  member_time(out, "created_at", attachment.created_at);
  out.end_object();
}

void render_operation(json::Writer& out, const db::Operation& operation,
                      const workflow::Registry& registry,
                      const std::vector<db::OperationEvent>* events) {
  out.begin_object();
  out.member("id", operation.id.str());
  out.member("kind", operation.kind);
  out.member("state", db::to_string(operation.state));
  out.member("project", operation.project);
  out.member("principal", operation.principal);
  member_id_or_null(out, "volume_id", operation.volume);
  member_id_or_null(out, "snapshot_id", operation.snapshot);
  member_id_or_null(out, "attachment_id", operation.attachment);
  member_or_null(out, "node", operation.node);
  render_steps(out, operation, registry.find(operation.kind));
  render_waiting(out, operation);
  out.member("cancel_requested", operation.cancel_requested);
  member_time(out, "deadline", operation.deadline);
  member_time(out, "created_at", operation.created_at);
  member_time(out, "updated_at", operation.updated_at);
  member_time(out, "ended_at", operation.ended_at);
  out.key("error");
  operation.error ? render_error(out, *operation.error) : out.null();
  render_notes(out, operation);
  if (events) render_events(out, *events);
  out.end_object();
}

void render_audit_record(json::Writer& out, const db::AuditRecord& record) {
  out.begin_object();
  out.member("sequence", record.seq);
  out.member("at", to_rfc3339(record.at));
  out.member("principal", record.principal);
  member_or_null(out, "role", record.role);
  member_or_null(out, "project", record.project);
  out.member("action", record.action);
  out.member("force", record.force);
  member_id_or_null(out, "volume_id", record.volume);
  member_id_or_null(out, "snapshot_id", record.snapshot);
  member_id_or_null(out, "attachment_id", record.attachment);
  member_or_null(out, "vm", record.vm);
  member_or_null(out, "node", record.node);
  member_id_or_null(out, "operation_id", record.operation);
  member_or_null(out, "request_id", record.request_id);
  out.end_object();
}

void render_volume_of(json::Writer& out, db::Connection& connection, const db::Volume& volume) {
  const auto attachments = db::AttachmentTable(connection).open_of_volume(volume.id);
  const Holders holders(connection);
  render_volume(out, volume, holders.of(db::volume_resource(volume.id)), attachments.data(),
                attachments.data() + attachments.size());
}

void render_snapshot_of(json::Writer& out, db::Connection& connection,
                        const db::Snapshot& snapshot) {
  const Holders holders(connection);
  render_snapshot(out, snapshot, holders.of(db::snapshot_resource(snapshot.id)));
}

void render_attachment_of(json::Writer& out, db::Connection& connection,
                          const db::Attachment& attachment) {
  const Holders holders(connection);
  render_attachment(out, attachment, holders.of(db::volume_resource(attachment.volume)));
}

}  // namespace vbs::api
