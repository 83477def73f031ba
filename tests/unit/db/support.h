#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>

#include "db/audit_table.h"
#include "db/database.h"
#include "db/invariants.h"
#include "db/transitions.h"

namespace vbs::db::testing {

/// A directory of its own, gone with it. In memory where the machine has that and TEST_TMPDIR does
/// not say otherwise: hundreds of databases are made, and nothing here depends on a power cut.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const bool in_memory = std::getenv("TEST_TMPDIR") == nullptr && access("/dev/shm", W_OK) == 0;
    std::string pattern = (in_memory ? "/dev/shm/" : ::testing::TempDir()) + "vbs-db-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Runs what is posted at once, on the thread that posts.
class DirectExecutor final : public Executor {
 public:
  void post(Task task) override { task(); }
  TimerId post_after(Milliseconds, Task) override { std::abort(); }
  void cancel(TimerId) override { std::abort(); }
};

/// Writes and waits until it is durable.
inline Result<void> write_and_wait(Database& database, Database::Job job) {
  DirectExecutor executor;
  std::promise<Result<void>> promise;
  auto future = promise.get_future();
  database.write(
      std::move(job), [&](Result<void> result) { promise.set_value(std::move(result)); }, executor);
  return future.get();
}

inline constexpr WallTime kNow{Milliseconds(1'700'000'000'000)};
inline WallTime after_seconds(std::int64_t seconds) {
  return kNow + Milliseconds(1000 * seconds);
}

/// The n-th of the ids that tests use.
inline Uuid test_id(unsigned n) {
  char text[40];
  std::snprintf(text, sizeof(text), "01900000-0000-7000-8000-%012x", n);
  return Uuid::parse(text).value();
}

inline Volume test_volume(unsigned n, const std::string& project = "p1") {
  Volume volume;
  volume.id = test_id(n);
  volume.project = project;
  volume.size_bytes = 64 << 20;
  volume.node = "vs1";
  volume.state = VolumeState::available;
  volume.created_at = volume.updated_at = kNow;
  return volume;
}

inline Snapshot test_snapshot(unsigned n, const Uuid& volume, const std::string& project = "p1") {
  Snapshot snapshot;
  snapshot.id = test_id(n);
  snapshot.project = project;
  snapshot.volume = volume;
  snapshot.size_bytes = 64 << 20;
  snapshot.node = "vs1";
  snapshot.state = SnapshotState::available;
  snapshot.created_at = snapshot.updated_at = kNow;
  return snapshot;
}

inline Attachment test_attachment(unsigned n, const Uuid& volume, const std::string& device) {
  Attachment attachment;
  attachment.id = test_id(n);
  attachment.volume = volume;
  attachment.project = "p1";
  attachment.volume_server = "vs1";
  attachment.vmm_node = "vmm1";
  attachment.vm = "vm1";
  attachment.device = device;
  attachment.initiator = "iqn.2026-01.test:vmm1";
  attachment.chap_user = "user";
  attachment.created_at = attachment.updated_at = kNow;
  return attachment;
}

inline Operation test_operation(unsigned n, const std::string& kind = "create-volume") {
  Operation operation;
  operation.id = test_id(n);
  operation.project = "p1";
  operation.principal = "alice";
  operation.kind = kind;
  operation.deadline = after_seconds(600);
  operation.step_since = operation.created_at = operation.updated_at = kNow;
  return operation;
}

/// Begins the operation and leaves its audit record, as the service does.
inline Result<void> begin_recorded(Transaction& tx, Operation& operation,
                                   const std::vector<LockRequest>& locks) {
  if (auto ok = begin_operation(tx, operation, locks); !ok) return ok;
  AuditTable(tx.connection()).append(audit_record_of(operation));
  return {};
}

/// The same of its cancellation.
inline Result<void> cancel_recorded(Transaction& tx, std::int64_t seq) {
  if (auto ok = request_cancel(tx, seq, kNow); !ok) return ok;
  AuditRecord record = audit_record_of(*OperationTable(tx.connection()).find_seq(seq));
  record.action = "cancel-operation";
  AuditTable(tx.connection()).append(record);
  return {};
}

/// A new database written inline.
class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }

  void reopen(WriteMode mode = WriteMode::inline_) {
    database_.reset();
    DatabaseOptions options;
    options.path = path();
    options.mode = mode;
    auto opened = Database::open(options);
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = std::move(*opened);
  }

  std::string path() const { return directory_.file("vbs.db"); }
  Database& database() { return *database_; }
  Result<void> write(Database::Job job) { return write_and_wait(*database_, std::move(job)); }

  /// The value of a query that must succeed.
  template <class F>
  auto read(F&& query) {
    auto value = database_->read(std::forward<F>(query));
    if (!value) ADD_FAILURE() << value.error().message;
    return std::move(*value);
  }

  /// Writes rows, with usage, that must be accepted.
  void add(Volume& volume, const std::map<std::string, std::string>& tags = {}) {
    must([&](Transaction& tx) -> Result<void> {
      if (!VolumeTable(tx.connection()).insert(volume, tags)) {
        return fail(ErrorCode::already_exists, "name taken");
      }
      return UsageTable(tx.connection())
          .reserve(volume.project, volume.node, {1, 0, volume.size_bytes}, {});
    });
  }
  void add(Snapshot& snapshot, const std::map<std::string, std::string>& tags = {}) {
    must([&](Transaction& tx) -> Result<void> {
      if (!SnapshotTable(tx.connection()).insert(snapshot, tags)) {
        return fail(ErrorCode::already_exists, "name taken");
      }
      return UsageTable(tx.connection())
          .reserve(snapshot.project, snapshot.node, {0, 1, snapshot.size_bytes}, {});
    });
  }
  void add(Operation& operation, const std::vector<LockRequest>& locks) {
    must([&](Transaction& tx) { return begin_recorded(tx, operation, locks); });
  }
  void add(Attachment& attachment) {
    must([&](Transaction& tx) -> Result<void> {
      if (AttachmentTable(tx.connection()).insert(attachment)) return {};
      return fail(ErrorCode::already_exists, "device taken");
    });
  }
  void must(Database::Job job) {
    auto ok = write(std::move(job));
    ASSERT_TRUE(ok) << ok.error().message;
  }

  std::vector<std::string> violated() {
    std::vector<std::string> names;
    for (const auto& violation : read(check_invariants)) names.push_back(violation.invariant);
    return names;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Database> database_;
};

}  // namespace vbs::db::testing
