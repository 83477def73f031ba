#include <atomic>
#include <latch>
#include <thread>

#include "tests/unit/db/process_support.h"

namespace vbs::db::testing {
namespace {

std::size_t count(Connection& connection) {
  return VolumeTable(connection).list({}).size();
}

Result<void> write_row(Database& database, unsigned n) {
  return write_and_wait(database, [n](Transaction& tx) -> Result<void> {
    Volume volume = test_volume(n);
    VolumeTable(tx.connection()).insert(volume, {});
    return {};
  });
}

class ReaderPoolTest : public ::testing::Test {
 protected:
  void open(unsigned readers) {
    auto options = options_for(directory_.file("r.db"), WriteMode::threaded);
    options.readers = readers;
    auto opened = Database::open(options);
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = std::move(*opened);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Database> database_;
};

TEST_F(ReaderPoolTest, AReadSeesOneMomentWhateverIsWrittenMeanwhile) {
  open(2);
  ASSERT_TRUE(write_row(*database_, 1));
  auto counts = database_->read([&](Connection& connection) {
    const std::size_t first = count(connection);
    EXPECT_TRUE(write_row(*database_, 2));
    auto other = database_->read(count);
    return std::vector<std::size_t>{first, count(connection), *other};
  });
  ASSERT_TRUE(counts);
  EXPECT_THAT(*counts, ::testing::ElementsAre(1U, 1U, 2U));
  EXPECT_EQ(*database_->read(count), 2U);
}

TEST_F(ReaderPoolTest, AReadWaitsForAFreeReader) {
  open(1);
  std::latch inside(1);
  std::latch leave(1);
  std::atomic<bool> first_left{false};
  std::jthread first([&] {
    auto value = database_->read([&](Connection&) {
      inside.count_down();
      leave.wait();
      first_left = true;
      return 0;
    });
    EXPECT_TRUE(value);
  });
  inside.wait();
  std::jthread second([&] {
    auto alone = database_->read([&](Connection&) { return first_left.load(); });
    EXPECT_TRUE(alone && *alone);
  });
  leave.count_down();
}

TEST_F(ReaderPoolTest, AFailedReadGivesItsReaderBack) {
  open(1);
  for (int i = 0; i < 5; ++i) {
    auto broken = database_->read([](Connection& connection) {
      return connection.prepare("SELECT nothing FROM nowhere").step();
    });
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, ErrorCode::internal);
    auto thrown = database_->read([](Connection&) -> int { throw std::runtime_error("a defect"); });
    ASSERT_FALSE(thrown);
    EXPECT_THAT(thrown.error().message, ::testing::HasSubstr("a defect"));
  }
  EXPECT_EQ(*database_->read(count), 0U);
}

TEST_F(ReaderPoolTest, AReadCannotWrite) {
  open(1);
  auto written = database_->read([](Connection& connection) {
    Volume volume = test_volume(1);
    return VolumeTable(connection).insert(volume, {});
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(*database_->read(count), 0U);
}

TEST_F(ReaderPoolTest, ManyReadersBesideAWriterAgree) {
  open(2);
  std::atomic<bool> stop{false};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 6; ++i) {
    readers.emplace_back([&] {
      std::size_t last = 0;
      while (!stop) {
        auto seen = database_->read(count);
        EXPECT_TRUE(seen);
        EXPECT_GE(*seen, last);
        last = *seen;
      }
    });
  }
  for (unsigned n = 1; n <= 200; ++n) ASSERT_TRUE(write_row(*database_, n));
  stop = true;
  readers.clear();
  EXPECT_EQ(*database_->read(count), 200U);
}

}  // namespace
}  // namespace vbs::db::testing
