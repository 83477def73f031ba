#include "volume_delegate/store/lvm/thin_pool.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/units.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::trouble;

class ThinPoolTest : public ::testing::Test {
 protected:
  ThinPoolTest() {
    options_.name = "pool";
    view_.group = {4 * kGiB, kGiB, 4 * kMiB};
    LogicalVolume pool;
    pool.name = "pool";
    pool.segment_type = "thin-pool";
    pool.size_bytes = 1000 * kMiB;
    pool.metadata_bytes = 8 * kMiB;
    pool.chunk_bytes = 64 * kKiB;
    pool.zeroes = true;
    pool.data_percent = 10;
    pool.metadata_percent = 10;
    view_.volumes.push_back(pool);
  }
  LogicalVolume& pool() {
    return *std::find_if(view_.volumes.begin(), view_.volumes.end(),
                         [](const auto& lv) { return lv.name == "pool"; });
  }
  void add(const std::string& name, std::uint64_t size, const std::string& of = "pool") {
    LogicalVolume lv;
    lv.name = name;
    lv.size_bytes = size;
    lv.pool = of;
    const auto place = std::find_if(view_.volumes.begin(), view_.volumes.end(),
                                    [&](const auto& other) { return other.name > name; });
    view_.volumes.insert(place, lv);
  }
  Result<void> admit(std::uint64_t bytes, std::uint64_t outstanding = 0) {
    return ThinPool(options_, clock_).admit(view_, outstanding, bytes);
  }

  testing::ManualClock clock_;
  ThinPoolOptions options_;
  GroupView view_;
};

TEST_F(ThinPoolTest, PromisesFullSizesBelowTheRefuseMark) {
  EXPECT_EQ("", trouble(admit(940 * kMiB)));
  EXPECT_TRUE(failed_with(admit(960 * kMiB), ErrorCode::insufficient_space, "950M"))
      << "beyond 95 of 100 nothing is promised";
  add("theirs", 400 * kMiB);
  add("elsewhere", 400 * kMiB, "other");
  EXPECT_EQ("", trouble(admit(540 * kMiB)));
  EXPECT_TRUE(failed_with(admit(560 * kMiB), ErrorCode::insufficient_space));
  EXPECT_TRUE(failed_with(admit(540 * kMiB, 20 * kMiB), ErrorCode::insufficient_space))
      << "what others are making counts";
}

TEST_F(ThinPoolTest, OvercommitsOnlyWhenTold) {
  options_.overcommit_percent = 300;
  EXPECT_EQ("", trouble(admit(2800 * kMiB)));
  EXPECT_TRUE(failed_with(admit(2900 * kMiB), ErrorCode::insufficient_space));
}

TEST_F(ThinPoolTest, PromisesMetadataToo) {
  pool().size_bytes = 100 * kGiB;
  // 80 of 100 of 8 MiB, 48 bytes for each 64 KiB: 8.5 GiB.
  EXPECT_EQ("", trouble(admit(8 * kGiB)));
  EXPECT_TRUE(failed_with(admit(9 * kGiB), ErrorCode::insufficient_space, "metadata"));
  // Snapshots map the chunks that they share by themselves, so a small pool is no bound.
  pool().size_bytes = 4 * kGiB;
  options_.overcommit_percent = 1000;
  EXPECT_EQ("", trouble(admit(8 * kGiB)));
  EXPECT_TRUE(failed_with(admit(9 * kGiB), ErrorCode::insufficient_space, "metadata"));
}

TEST_F(ThinPoolTest, RefusesAtTheMarks) {
  pool().data_percent = 94.9;
  EXPECT_EQ("", trouble(admit(kMiB)));
  pool().data_percent = 95;
  EXPECT_TRUE(failed_with(admit(kMiB), ErrorCode::insufficient_space, "95%"));
  pool().data_percent = 10;
  pool().metadata_percent = 80;
  EXPECT_TRUE(failed_with(admit(kMiB), ErrorCode::insufficient_space, "metadata"));
}

TEST_F(ThinPoolTest, ThrottlesBeforeItRefuses) {
  pool().metadata_percent = 70;
  ThinPool rules(options_, clock_);
  EXPECT_EQ("", trouble(rules.admit(view_, 0, kMiB)));
  clock_.advance(Milliseconds(9'999));
  EXPECT_TRUE(failed_with(rules.admit(view_, 0, kMiB), ErrorCode::overloaded, "ask again"));
  clock_.advance(Milliseconds(1));
  EXPECT_EQ("", trouble(rules.admit(view_, 0, kMiB)));
  EXPECT_TRUE(failed_with(rules.admit(view_, 0, kMiB), ErrorCode::overloaded));
}

TEST_F(ThinPoolTest, WarnsFirst) {
  const ThinPool rules(options_, clock_);
  EXPECT_EQ("", rules.warning(view_));
  pool().data_percent = 70;
  EXPECT_NE(std::string::npos, rules.warning(view_).find("70% of its data"));
  EXPECT_EQ("", trouble(admit(kMiB))) << "and nothing else";
  pool().data_percent = 10;
  pool().metadata_percent = 60;
  EXPECT_NE(std::string::npos, rules.warning(view_).find("60% of its metadata"));
}

TEST_F(ThinPoolTest, IsRefusedWhereItWouldShowOldBytes) {
  pool().zeroes = false;
  EXPECT_TRUE(
      failed_with(ThinPool(options_, clock_).find(view_), ErrorCode::internal, "old bytes"));
  pool().zeroes = true;
  pool().segment_type = "linear";
  EXPECT_TRUE(failed_with(ThinPool(options_, clock_).find(view_), ErrorCode::internal, "no thin"));
  view_.volumes.clear();
  EXPECT_TRUE(failed_with(ThinPool(options_, clock_).find(view_), ErrorCode::not_found));
}

TEST_F(ThinPoolTest, TakesNothingWhenItIsNotWell) {
  pool().health = "out_of_data";
  EXPECT_TRUE(failed_with(admit(kMiB), ErrorCode::insufficient_space, "out_of_data"));
  EXPECT_NE("", ThinPool(options_, clock_).warning(view_));
}

TEST_F(ThinPoolTest, GetsMetadataForAllOfItAndSnapshots) {
  EXPECT_EQ(8 * kMiB, ThinPool::metadata_for(kGiB));
  EXPECT_EQ(150 * kMiB, ThinPool::metadata_for(100 * kGiB));
  EXPECT_EQ(15 * kGiB, ThinPool::metadata_for(100 * kTiB));
}

}  // namespace
}  // namespace vbs::volume_delegate
