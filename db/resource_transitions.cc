#include <algorithm>

#include "db/transitions.h"

namespace vbs::db {
namespace {

Result<void> defect(std::string_view noun, const Uuid& id, const std::string& what) {
  return fail(ErrorCode::internal, std::string(noun) + " " + id.str() + " " + what);
}

/// Nothing, if `state` is one of `allowed`.
template <class State>
Result<void> require(std::string_view noun, const Uuid& id, State state,
                     std::initializer_list<State> allowed, const char* act) {
  if (std::find(allowed.begin(), allowed.end(), state) != allowed.end()) return {};
  return defect(noun, id, "is " + std::string(to_string(state)) + " and cannot " + act);
}

Result<void> require_reason(std::string_view noun, const Uuid& id, std::string_view reason) {
  if (!reason.empty()) return {};
  return defect(noun, id, "cannot be put in error without a reason");
}

void set_volume(Connection& connection, const Uuid& id, VolumeState state, std::string_view reason,
                WallTime now) {
  connection.prepare("UPDATE volumes SET state = ?, reason = ?, updated_at = ? WHERE uid = ?")
      .bind(to_string(state))
      .bind(reason)
      .bind(now)
      .bind(id)
      .run();
}

void set_snapshot(Connection& connection, const Uuid& id, SnapshotState state,
                  std::string_view reason, WallTime now) {
  connection.prepare("UPDATE snapshots SET state = ?, reason = ?, updated_at = ? WHERE uid = ?")
      .bind(to_string(state))
      .bind(reason)
      .bind(now)
      .bind(id)
      .run();
}

void set_sizes(Connection& connection, const Uuid& id, std::uint64_t size_bytes,
               const std::optional<std::uint64_t>& wanted_bytes, WallTime now) {
  auto update = connection.prepare(
      "UPDATE volumes SET size_bytes = ?, wanted_bytes = ?, updated_at = ? WHERE uid = ?");
  update.bind(size_bytes);
  if (wanted_bytes) {
    update.bind(*wanted_bytes);
  } else {
    update.bind_null();
  }
  update.bind(now).bind(id).run();
}

bool has_attached(Connection& connection, const Uuid& volume) {
  const auto open = AttachmentTable(connection).open_of_volume(volume);
  return std::any_of(open.begin(), open.end(), [](const Attachment& attachment) {
    return attachment.state == AttachmentState::attached;
  });
}

Result<void> change_volume(Transaction& tx, const Uuid& id, VolumeState state,
                           std::string_view reason, WallTime now) {
  auto volume = VolumeTable(tx.connection()).find(id);
  if (!volume) return defect("volume", id, "does not exist");
  // A volume in use changes only with its attachments.
  auto ok = require("volume", id, volume->state, {VolumeState::available, VolumeState::error},
                    state == VolumeState::error ? "be put in error" : "become available");
  if (!ok) return ok;
  set_volume(tx.connection(), id, state, reason, now);
  return {};
}

Result<void> change_snapshot(Transaction& tx, const Uuid& id, SnapshotState state,
                             std::string_view reason, WallTime now) {
  auto snapshot = SnapshotTable(tx.connection()).find(id);
  if (!snapshot) return defect("snapshot", id, "does not exist");
  auto ok =
      require("snapshot", id, snapshot->state, {SnapshotState::available, SnapshotState::error},
              state == SnapshotState::error ? "be put in error" : "become available");
  if (!ok) return ok;
  set_snapshot(tx.connection(), id, state, reason, now);
  return {};
}

}  // namespace

Result<void> volume_available(Transaction& tx, const Uuid& id, WallTime now) {
  return change_volume(tx, id, VolumeState::available, "", now);
}

Result<void> volume_error(Transaction& tx, const Uuid& id, std::string_view reason, WallTime now) {
  if (auto ok = require_reason("volume", id, reason); !ok) return ok;
  return change_volume(tx, id, VolumeState::error, reason, now);
}

Result<void> volume_growing(Transaction& tx, const Uuid& id, std::uint64_t wanted, WallTime now) {
  auto volume = VolumeTable(tx.connection()).find(id);
  if (!volume) return defect("volume", id, "does not exist");
  auto ok =
      require("volume", id, volume->state, {VolumeState::available, VolumeState::in_use}, "grow");
  if (!ok) return ok;
  if (volume->wanted_bytes) return defect("volume", id, "is growing already");
  if (wanted <= volume->size_bytes) return defect("volume", id, "cannot grow to what it has");
  set_sizes(tx.connection(), id, volume->size_bytes, wanted, now);
  return {};
}

Result<void> volume_grown(Transaction& tx, const Uuid& id, WallTime now) {
  auto volume = VolumeTable(tx.connection()).find(id);
  if (!volume) return defect("volume", id, "does not exist");
  if (volume->wanted_bytes) set_sizes(tx.connection(), id, *volume->wanted_bytes, {}, now);
  return {};
}

Result<void> volume_not_grown(Transaction& tx, const Uuid& id, WallTime now) {
  auto& connection = tx.connection();
  auto volume = VolumeTable(connection).find(id);
  if (!volume) return defect("volume", id, "does not exist");
  if (!volume->wanted_bytes) return {};
  set_sizes(connection, id, volume->size_bytes, {}, now);
  UsageTable(connection)
      .release(volume->project, volume->node, {0, 0, *volume->wanted_bytes - volume->size_bytes});
  return {};
}

Result<void> volume_deleted(Transaction& tx, const Uuid& id, WallTime now) {
  auto& connection = tx.connection();
  auto volume = VolumeTable(connection).find(id);
  if (!volume) return defect("volume", id, "does not exist");
  if (volume->state == VolumeState::deleted) return {};
  auto ok = require("volume", id, volume->state, {VolumeState::available, VolumeState::error},
                    "be deleted");
  if (!ok) return ok;
  if (volume->wanted_bytes) return defect("volume", id, "is growing and cannot be deleted");
  if (!AttachmentTable(connection).open_of_volume(id).empty()) {
    return defect("volume", id, "has an open attachment and cannot be deleted");
  }
  set_volume(connection, id, VolumeState::deleted, "", now);
  connection.prepare("DELETE FROM volume_tags WHERE volume_seq = ?").bind(volume->seq).run();
  UsageTable(connection).release(volume->project, volume->node, {1, 0, volume->size_bytes});
  return {};
}

Result<void> snapshot_available(Transaction& tx, const Uuid& id, WallTime now) {
  return change_snapshot(tx, id, SnapshotState::available, "", now);
}

Result<void> snapshot_error(Transaction& tx, const Uuid& id, std::string_view reason,
                            WallTime now) {
  if (auto ok = require_reason("snapshot", id, reason); !ok) return ok;
  return change_snapshot(tx, id, SnapshotState::error, reason, now);
}

Result<void> snapshot_deleted(Transaction& tx, const Uuid& id, WallTime now) {
  auto& connection = tx.connection();
  auto snapshot = SnapshotTable(connection).find(id);
  if (!snapshot) return defect("snapshot", id, "does not exist");
  if (snapshot->state == SnapshotState::deleted) return {};
  set_snapshot(connection, id, SnapshotState::deleted, "", now);
  connection.prepare("DELETE FROM snapshot_tags WHERE snapshot_seq = ?").bind(snapshot->seq).run();
  UsageTable(connection).release(snapshot->project, snapshot->node, {0, 1, snapshot->size_bytes});
  return {};
}

Result<void> attachment_attached(Transaction& tx, const Uuid& id, WallTime now) {
  auto& connection = tx.connection();
  auto attachment = AttachmentTable(connection).find(id);
  if (!attachment) return defect("attachment", id, "does not exist");
  auto ok =
      require("attachment", id, attachment->state, {AttachmentState::reserved}, "become attached");
  if (!ok) return ok;
  auto volume = VolumeTable(connection).find(attachment->volume);
  if (!volume) return defect("volume", attachment->volume, "does not exist");
  ok = require("volume", volume->id, volume->state, {VolumeState::available, VolumeState::in_use},
               "become in-use");
  if (!ok) return ok;
  connection.prepare("UPDATE attachments SET state = 'attached', updated_at = ? WHERE uid = ?")
      .bind(now)
      .bind(id)
      .run();
  set_volume(connection, volume->id, VolumeState::in_use, "", now);
  return {};
}

Result<void> attachment_closed(Transaction& tx, const Uuid& id, std::string_view reason,
                               WallTime now) {
  auto& connection = tx.connection();
  auto attachment = AttachmentTable(connection).find(id);
  if (!attachment) return defect("attachment", id, "does not exist");
  if (attachment->state == AttachmentState::closed) return {};
  connection
      .prepare(
          "UPDATE attachments SET state = 'closed', reason = ?, sealed_secret = '', updated_at = ?"
          " WHERE uid = ?")
      .bind(reason)
      .bind(now)
      .bind(id)
      .run();
  auto volume = VolumeTable(connection).find(attachment->volume);
  if (volume && volume->state == VolumeState::in_use && !has_attached(connection, volume->id)) {
    set_volume(connection, volume->id, VolumeState::available, "", now);
  }
  return {};
}

}  // namespace vbs::db
