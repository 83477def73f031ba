#include "db/usage_table.h"

#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMega = 1 << 20;

class UsageTableTest : public DatabaseTest {
 protected:
  Result<void> reserve(const Usage& added, const Quota& quota) {
    return write([&](Transaction& tx) {
      return UsageTable(tx.connection()).reserve("p1", "vs1", added, quota);
    });
  }
  Usage usage() {
    return read([](Connection& c) { return UsageTable(c).of_project("p1"); });
  }
  std::uint64_t on_node() {
    return read([](Connection& c) { return UsageTable(c).reserved_on("vs1"); });
  }
};

TEST_F(UsageTableTest, AddsAndReturns) {
  EXPECT_EQ(usage().volumes, 0);
  EXPECT_EQ(on_node(), 0U);
  ASSERT_TRUE(reserve({1, 0, 10 * kMega}, {}));
  ASSERT_TRUE(reserve({0, 1, 5 * kMega}, {}));
  EXPECT_EQ(usage().volumes, 1);
  EXPECT_EQ(usage().snapshots, 1);
  EXPECT_EQ(usage().bytes, 15 * kMega);
  EXPECT_EQ(on_node(), 15 * kMega);
  must([](Transaction& tx) -> Result<void> {
    UsageTable(tx.connection()).release("p1", "vs1", {1, 0, 10 * kMega});
    return {};
  });
  EXPECT_EQ(usage().volumes, 0);
  EXPECT_EQ(usage().bytes, 5 * kMega);
  EXPECT_EQ(on_node(), 5 * kMega);
}

TEST_F(UsageTableTest, AQuotaIsKeptToTheByte) {
  const Quota quota{2, 1, 20 * kMega};
  ASSERT_TRUE(reserve({1, 0, 10 * kMega}, quota));
  auto refused = reserve({1, 0, 10 * kMega + 1}, quota);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::quota_exceeded);
  EXPECT_THAT(refused.error().message, HasSubstr("10M of at most 20M"));
  ASSERT_TRUE(reserve({1, 0, 5 * kMega}, quota));
  refused = reserve({1, 0, kMega}, quota);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("2 of at most 2 volumes"));
  ASSERT_TRUE(reserve({0, 1, 5 * kMega}, quota));
  refused = reserve({0, 1, 0}, quota);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("1 of at most 1 snapshots"));
  EXPECT_EQ(usage().bytes, 20 * kMega);
  EXPECT_EQ(on_node(), 20 * kMega);
}

TEST_F(UsageTableTest, ALoweredQuotaStopsOnlyWhatGrows) {
  ASSERT_TRUE(reserve({5, 0, 10 * kMega}, {}));
  EXPECT_TRUE(reserve({0, 1, kMega}, {1, 0, 0}));
}

TEST_F(UsageTableTest, ReturningWhatWasNotTakenIsADefect) {
  const auto release = [&](const Usage& removed) {
    return write([&](Transaction& tx) -> Result<void> {
      UsageTable(tx.connection()).release("p1", "vs1", removed);
      return {};
    });
  };
  ASSERT_FALSE(release({1, 0, kMega}));
  ASSERT_TRUE(reserve({1, 0, kMega}, {}));
  auto refused = release({1, 0, 2 * kMega});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::internal);
  EXPECT_EQ(usage().bytes, kMega);
  EXPECT_EQ(on_node(), kMega);
}

}  // namespace
}  // namespace vbs::db::testing
