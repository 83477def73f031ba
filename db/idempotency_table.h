#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "db/connection.h"

namespace vbs::db {

struct IdempotencyKey {
  std::string project;  ///< names are unique within a project
  std::string principal;
  std::string key;
  std::string request_hash;  ///< of method, path and body
  Uuid operation;
  WallTime created_at{};
};

/// Requests that were made under a key, so that a repeat finds its operation.
class IdempotencyTable {
 public:
  explicit IdempotencyTable(Connection& connection) : connection_(connection) {}
  std::optional<IdempotencyKey> find(std::string_view project, std::string_view principal,
                                     std::string_view key);
  void insert(const IdempotencyKey& key);
  /// Removes keys made before `before`, at most `limit`.
  int purge(WallTime before, int limit);

 private:
  Connection& connection_;
};

}  // namespace vbs::db
