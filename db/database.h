#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/executor.h"
#include "common/secret_box.h"
#include "db/connection.h"

namespace vbs::db {

/// How writes are carried out.
enum class WriteMode {
  threaded,  ///< one writer thread, group commit: jobs that wait together share one fsync
  inline_,   ///< inside the call of `write`, one commit each: for simulations and tests
};

struct DatabaseOptions {
  std::string path;
  WriteMode mode = WriteMode::threaded;
  unsigned readers = 4;                  ///< connections kept for concurrent reads
  std::size_t max_queued_writes = 4096;  ///< beyond: overloaded
  std::string key_file{};                ///< "" for the path and ".key"; see open_box
};

/// A write in progress: everything done through its connection becomes durable together, or not at
/// all. Only table classes and transitions get at the connection.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  Connection& connection() { return connection_; }

 private:
  Connection& connection_;
};

/// The metadata store: one writing connection, a pool of readers. Thread-safe.
class Database {
 public:
  using Job = std::function<Result<void>(Transaction&)>;
  using Done = std::function<void(Result<void>)>;

  /// Opens or creates, migrates, and checks: a newer schema, a changed migration, another process
  /// that holds the database (a lock file beside it), a damaged or read-only file, and a key file
  /// that is not the one of its secrets are refused with a clear error. Runs `PRAGMA
  /// integrity_check` on databases below 64 MiB, and `quick_check` below 256 MiB.
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  ~Database();

  /// Runs `job` on the writer inside a savepoint of its own; if it fails, only its own changes are
  /// undone. `done` is posted on `on` after the commit is durable (or the job failed). A job may
  /// run only once and must not block; it sees all earlier jobs' changes. A full disk or an i/o
  /// error fails the jobs that share its commit, all or none; after an i/o error in the commit
  /// itself a crash may still bring them back.
  void write(Job job, Done done, Executor& on);

  /// Runs `query(Connection&)` on a pooled reader in one read transaction (one consistent view) on
  /// the calling thread and returns its value. Waits while all readers are busy. Keep it short.
  template <class F>
  auto read(F&& query) -> Result<std::invoke_result_t<F, Connection&>> {
    using T = std::invoke_result_t<F, Connection&>;
    std::optional<T> value;
    auto ok = read_erased([&](Connection& connection) { value.emplace(query(connection)); });
    if (!ok) return fail(ok.error());
    return std::move(*value);
  }

  /// For the secrets of attachments.
  const SecretBox& box() const;

  /// Consistent copy to `target` (must not exist) by the online backup API, while the service runs.
  /// Also usable by another process than the one that serves.
  static Result<void> backup(const std::string& source, const std::string& target);

  /// Bytes of the database file and of its write-ahead log, for metrics.
  std::int64_t file_bytes() const;

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  Result<void> read_erased(const std::function<void(Connection&)>& query);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs::db
