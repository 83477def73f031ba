#pragma once

#include <string>
#include <vector>

#include "db/database.h"

namespace vbs::db {

/// Which rows of things that are gone may be forgotten.
struct Purge {
  WallTime before{};  ///< gone before this
  /// What may still show something there is not forgotten: its row is the proof that it may go.
  std::vector<std::string> unsettled_nodes;
  int limit = 1000;  ///< rows of one call
};

/// Each removes rows for good and returns how many. A row that another row refers to stays: closed
/// attachments go first, then snapshots, then volumes.
int purge_closed_attachments(Transaction& tx, const Purge& purge);
int purge_deleted_snapshots(Transaction& tx, const Purge& purge);
int purge_deleted_volumes(Transaction& tx, const Purge& purge);

}  // namespace vbs::db
