#pragma once

#include <optional>
#include <string>

#include "common/json.h"
#include "db/attachment_table.h"
#include "db/operation_table.h"
#include "db/snapshot_table.h"
#include "db/volume_table.h"

namespace vbs::workflow {

/// Option of an operation that has no attachment of its own: its steps meet the open attachments of
/// its volume in turn, which nobody changes while it holds the volume.
inline constexpr const char* kEachAttachment = "each_attachment";
/// In `data`: how many of them have had their turn.
inline constexpr const char* kTurn = "turn";

/// In `data`: what the node last told of its progress, in bytes.
inline constexpr const char* kProgress = "progress";

/// Everything the steps of one operation may look at: its rows, as the database holds them now.
struct Facts {
  db::Operation operation;
  std::optional<db::Volume> volume;
  std::optional<db::Snapshot> snapshot;
  std::optional<db::Attachment> attachment;
  Secret chap_secret;             ///< of `attachment`; the engine opens it
  json::Value options;            ///< what was asked
  json::Value data;               ///< what earlier steps found out
  bool more_attachments = false;  ///< others have their turn after `attachment`

  /// Orders of an operation carry this: later operations beat earlier ones, and undoing beats
  /// doing.
  std::int64_t generation() const;
  bool undoing() const { return operation.state == db::OperationState::undoing; }
  bool option(std::string_view name) const;
  bool noted(std::string_view name) const;
  std::int64_t number(std::string_view name) const;  ///< from `data`, 0 if absent
  std::string text(std::string_view name) const;     ///< from `data`, "" if absent
  /// Whether a node has said how far it is.
  bool in_progress() const { return data.find(kProgress) != nullptr; }
};

/// nullopt if the operation does not exist.
std::optional<Facts> load_facts(db::Connection& connection, const Uuid& operation);

/// Adds one member to an operation's `data` in the same transaction as what made it known.
void note(db::Connection& connection, std::int64_t operation_seq, std::string_view name,
          json::Value value);
/// Adds a line for people to the operation's notes.
void add_remark(db::Connection& connection, std::int64_t operation_seq, const std::string& remark);

}  // namespace vbs::workflow
