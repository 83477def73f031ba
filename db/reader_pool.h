#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "db/connection.h"

namespace vbs::db {

/// A fixed number of read-only connections. Thread-safe.
class ReaderPool {
 public:
  /// Opens all of them; throws SqliteError.
  ReaderPool(const std::string& path, unsigned count);

  /// Runs `query` in one read transaction on a free connection, waiting for one if need be. Throws
  /// what `query` throws.
  void run(const std::function<void(Connection&)>& query);

 private:
  class Lease;

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace vbs::db
