#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/unit/db/process_support.h"

namespace vbs::db::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BackupTest : public DatabaseTest {
 protected:
  std::string target() const { return directory_.file("copy.db"); }

  Result<void> write_row(unsigned n) {
    return write([n](Transaction& tx) -> Result<void> {
      Volume volume = test_volume(n);
      volume.tags = R"({"padding":")" + std::string(2000, 'x') + "\"}";
      VolumeTable(tx.connection()).insert(volume, {{"padding", std::string(2000, 'x')}});
      return UsageTable(tx.connection())
          .reserve(volume.project, volume.node, {1, 0, volume.size_bytes}, {});
    });
  }
  /// Opens the copy as the service would and counts its volumes.
  std::size_t restored_rows() {
    auto copy = Database::open(options_for(target()));
    if (!copy) {
      ADD_FAILURE() << copy.error().message;
      return 0;
    }
    EXPECT_THAT(*(*copy)->read(check_invariants), IsEmpty());
    return *(*copy)->read([](Connection& connection) {
      VolumeFilter all;
      all.limit = 1'000'000;
      return VolumeTable(connection).list(all).size();
    });
  }
};

TEST_F(BackupTest, IsOneFileOfItsOwnForTheOwnerOnly) {
  ASSERT_TRUE(write_row(1));
  auto done = Database::backup(path(), target());
  ASSERT_TRUE(done) << done.error().message;
  struct stat status {};
  ASSERT_EQ(stat(target().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  for (const char* suffix : {"-wal", "-shm", "-journal", ".partial"}) {
    EXPECT_FALSE(std::filesystem::exists(target() + suffix)) << suffix;
  }
  EXPECT_EQ(restored_rows(), 1U);
}

TEST_F(BackupTest, OrdersOfARestoredDatabaseBeatThoseGivenSince) {
  Operation operation = test_operation(21);
  add(operation, {});
  EXPECT_EQ(operation.seq, 1);
  ASSERT_TRUE(Database::backup(path(), target()));
  for (unsigned n = 22; n < 30; ++n) {
    Operation since = test_operation(n);
    add(since, {});
  }
  const std::int64_t now = to_millis(SystemClock().wall());
  database_.reset();
  std::filesystem::rename(target(), path());
  reopen();
  Operation first = test_operation(40);
  add(first, {});
  EXPECT_GT(first.seq, now);
  reopen();  // an ordinary start goes on counting
  Operation second = test_operation(41);
  add(second, {});
  EXPECT_EQ(second.seq, first.seq + 1);
}

TEST_F(BackupTest, AuditRecordsOfARestoredDatabaseTakeNoNumberTwice) {
  const auto last_number = [this] {
    return read([](Connection& c) { return AuditTable(c).list(0, 100).back().seq; });
  };
  Operation before = test_operation(21);
  add(before, {});
  ASSERT_TRUE(Database::backup(path(), target()));
  Operation since = test_operation(22);
  add(since, {});
  const std::int64_t copied_elsewhere = last_number();
  database_.reset();
  std::filesystem::rename(target(), path());
  reopen();
  Operation next = test_operation(23);
  add(next, {});
  EXPECT_GT(last_number(), copied_elsewhere);
}

TEST_F(BackupTest, IsConsistentWhileTheServiceWrites) {
  reopen(WriteMode::threaded);
  for (unsigned n = 1; n <= 200; ++n) ASSERT_TRUE(write_row(n));
  std::atomic<bool> stop{false};
  std::atomic<unsigned> written{200};
  std::jthread client([&] {
    while (!stop) {
      if (!write_row(written + 1)) break;
      ++written;
    }
  });
  while (written < 220) std::this_thread::yield();
  const unsigned before = written;
  auto done = Database::backup(path(), target());
  stop = true;
  client.join();
  ASSERT_TRUE(done) << done.error().message;
  const std::size_t rows = restored_rows();
  EXPECT_GE(rows, before);
  EXPECT_LE(rows, written);
}

TEST_F(BackupTest, WorksFromAnotherProcess) {
  database_.reset();
  ChildProcess child([this](int from_parent, int to_parent) {
    wait_for_parent(from_parent);
    auto done = Database::backup(path(), target());
    say(to_parent, done ? "done" : done.error().message);
  });
  reopen(WriteMode::threaded);
  ASSERT_TRUE(write_row(1));
  const auto log = std::filesystem::file_size(path() + "-wal");
  child.tell('c');
  EXPECT_EQ(child.hear_all(), "done");
  // The other process folded nothing into the file: only the writer may.
  EXPECT_EQ(std::filesystem::file_size(path() + "-wal"), log);
  ASSERT_TRUE(write_row(2));
  EXPECT_EQ(restored_rows(), 1U);
}

TEST_F(BackupTest, WorksWhileNobodyServes) {
  ASSERT_TRUE(write_row(1));
  database_.reset();
  auto done = Database::backup(path(), target());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(restored_rows(), 1U);
  reopen();
  EXPECT_EQ(read([](Connection& c) { return VolumeTable(c).list({}).size(); }), 1U);
}

TEST_F(BackupTest, RefusesWhatWouldOverwriteOrMislead) {
  std::ofstream(target()) << "precious";
  auto refused = Database::backup(path(), target());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::already_exists);
  EXPECT_EQ(std::filesystem::file_size(target()), 8U);

  refused = Database::backup(directory_.file("absent.db"), directory_.file("b.db"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::not_found);

  refused = Database::backup(path(), directory_.file("absent/b.db"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("absent/b.db"));

  std::ofstream(directory_.file("b.db.partial")) << "half";
  refused = Database::backup(path(), directory_.file("b.db"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("b.db.partial"));
}

TEST_F(BackupTest, OfDamageLeavesNoFile) {
  database_.reset();
  std::ofstream(path(), std::ios::trunc) << std::string(8192, 'x');
  auto refused = Database::backup(path(), target());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::database_unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr(path()));
  EXPECT_FALSE(std::filesystem::exists(target()));
  EXPECT_FALSE(std::filesystem::exists(target() + ".partial"));
}

}  // namespace
}  // namespace vbs::db::testing
