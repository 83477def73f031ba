#include "db/migrations.h"
#include "db/writer.h"
#include "tests/fakes/file_size_limit.h"
#include "tests/unit/db/process_support.h"

namespace vbs::db::testing {
namespace {

using fakes::FileSizeLimit;

/// One volume with a large text and its usage: two tables that must agree.
Database::Job large_row(unsigned n) {
  return [n](Transaction& tx) -> Result<void> {
    Volume volume = test_volume(n);
    volume.state = VolumeState::error;
    volume.reason = std::string(3000, 'x');
    VolumeTable(tx.connection()).insert(volume, {});
    return UsageTable(tx.connection())
        .reserve(volume.project, volume.node, {1, 0, volume.size_bytes}, {});
  };
}

class DiskFullTest : public DatabaseTest {
 protected:
  /// Writes rows from `n` on until one is refused; the refused one's error.
  Error fill(unsigned& n) {
    for (;; ++n) {
      auto written = write(large_row(n));
      if (!written) return written.error();
    }
  }
  static std::string pages_and(Connection& connection, std::int64_t more) {
    auto pages = connection.prepare("PRAGMA page_count");
    pages.step();
    return std::to_string(pages.integer(0) + more);
  }
  std::size_t rows() {
    return read([](Connection& connection) {
      VolumeFilter all;
      all.limit = 1'000'000;
      return VolumeTable(connection).list(all).size();
    });
  }
};

TEST_F(DiskFullTest, RefusesAndRecoversWithoutARestart) {
  for (const auto mode : {WriteMode::inline_, WriteMode::threaded}) {
    reopen(mode);
    unsigned n = static_cast<unsigned>(rows()) + 1;
    {
      const FileSizeLimit limit(static_cast<rlim_t>(database().file_bytes()) + 200'000);
      for (int again = 0; again < 2; ++again) {
        const Error refused = fill(n);
        EXPECT_EQ(refused.code, ErrorCode::insufficient_space) << refused.message;
      }
      EXPECT_EQ(rows(), n - 1);
    }
    EXPECT_TRUE(write(large_row(n)));
    EXPECT_EQ(rows(), n);
    EXPECT_THAT(violated(), ::testing::IsEmpty());
  }
  reopen();
  EXPECT_THAT(violated(), ::testing::IsEmpty());
}

TEST_F(DiskFullTest, ABatchThatDoesNotFitIsRefusedWhole) {
  database_.reset();
  Connection connection(path(), Connection::Mode::writer);
  connection.execute("PRAGMA max_page_count = " + pages_and(connection, 20));
  DirectExecutor executor;
  std::vector<Result<void>> results;
  const auto run = [&](unsigned count) {
    results.clear();
    std::vector<WriteRequest> batch;
    for (unsigned n = 1; n <= count; ++n) {
      batch.push_back(
          {large_row(n), [&](Result<void> r) { results.push_back(std::move(r)); }, &executor});
    }
    run_batch(connection, batch);
  };
  run(100);
  ASSERT_EQ(results.size(), 100U);
  for (const auto& result : results) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::insufficient_space);
  }
  EXPECT_TRUE(VolumeTable(connection).list({}).empty());
  EXPECT_TRUE(check_invariants(connection).empty());

  run(3);
  ASSERT_EQ(results.size(), 3U);
  for (const auto& result : results) EXPECT_TRUE(result);
  EXPECT_EQ(VolumeTable(connection).list({}).size(), 3U);
}

TEST_F(DiskFullTest, OpeningSaysSo) {
  database_.reset();
  // Too little for the log's index, and for the schema.
  for (const rlim_t bytes : {20'000, 100'000}) {
    std::filesystem::remove(path());
    const FileSizeLimit limit(bytes);
    auto opened = Database::open(options_for(path()));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::insufficient_space) << opened.error().message;
  }
  EXPECT_TRUE(Database::open(options_for(path())));
}

}  // namespace
}  // namespace vbs::db::testing
