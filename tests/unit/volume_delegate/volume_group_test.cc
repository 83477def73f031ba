#include "volume_delegate/store/lvm/volume_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/volume_delegate/lvm_support.h"

namespace vbs::volume_delegate {
namespace {

using ::testing::ElementsAre;
using testing::failed_with;
using testing::ScriptedLvm;
using testing::trouble;

class VolumeGroupTest : public ::testing::Test {
 protected:
  VolumeGroupTest() : group_(lvm_.group(clock_)) {
    LogicalVolume lv;
    lv.name = "somebodys";
    lvm_.put(lv);
  }
  testing::ManualClock clock_;
  ScriptedLvm lvm_;
  std::unique_ptr<VolumeGroup> group_;
};

TEST_F(VolumeGroupTest, AsksForItsSizeWhereItIsEmpty) {
  ScriptedLvm empty;
  auto view = empty.group(clock_)->look();
  ASSERT_EQ("", trouble(view));
  EXPECT_TRUE((*view)->volumes.empty());
  EXPECT_EQ(ScriptedLvm::kExtent, (*view)->group.extent_bytes);
  EXPECT_EQ(8 * kMiB, (*view)->group.round_up(5 * kMiB));
}

TEST_F(VolumeGroupTest, ARecentLookIsUsedForFiveSeconds) {
  ASSERT_EQ("", trouble(group_->recent()));
  clock_.advance(Milliseconds(4'999));
  ASSERT_EQ("", trouble(group_->recent()));
  EXPECT_EQ(1, lvm_.looks());
  clock_.advance(Milliseconds(1));
  ASSERT_EQ("", trouble(group_->recent()));
  EXPECT_EQ(2, lvm_.looks());
  ASSERT_EQ("", trouble(group_->look()));
  EXPECT_EQ(3, lvm_.looks()) << "a look is always a new one";
}

TEST_F(VolumeGroupTest, AChangeMakesEveryLookOld) {
  ASSERT_EQ("", trouble(group_->recent()));
  ASSERT_EQ("", trouble(group_->change(group_->commands().extend("somebodys", 16 * kMiB))));
  auto view = group_->recent();
  ASSERT_EQ("", trouble(view));
  EXPECT_EQ(16 * kMiB, (*view)->find("somebodys")->size_bytes);
}

TEST_F(VolumeGroupTest, LooksAreShared) {
  std::atomic<bool> go{false};
  std::atomic<int> looking{0};
  lvm_.on_look = [&] {
    ++looking;
    while (!go) std::this_thread::sleep_for(Milliseconds(1));
  };
  std::vector<std::thread> threads;
  threads.emplace_back([&] { EXPECT_TRUE(group_->look()); });
  ASSERT_TRUE(testing::eventually([&] { return looking == 1; }));
  std::atomic<int> asking{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      ++asking;
      EXPECT_TRUE(group_->look());
    });
  }
  ASSERT_TRUE(testing::eventually([&] { return asking == 8; }));
  std::this_thread::sleep_for(Milliseconds(50));  // they are in it by now
  go = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(2, lvm_.looks()) << "all that came while one ran share the next";
}

TEST_F(VolumeGroupTest, UrgentCommandsGoFirst) {
  std::atomic<bool> go{false};
  std::atomic<bool> busy{false};
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() == "lvconvert") {
      busy = true;
      while (!go) std::this_thread::sleep_for(Milliseconds(1));
    }
    return std::nullopt;
  };
  std::vector<std::thread> threads;
  const auto& commands = group_->commands();
  threads.emplace_back([&] { EXPECT_TRUE(group_->change(commands.split_snapshot("somebodys"))); });
  ASSERT_TRUE(testing::eventually([&] { return busy.load(); }));
  threads.emplace_back([&] { EXPECT_TRUE(group_->change(commands.activate({"somebodys"}))); });
  std::this_thread::sleep_for(Milliseconds(50));
  threads.emplace_back([&] {
    EXPECT_TRUE(group_->change(commands.extend("somebodys", 8 * kMiB), VolumeGroup::Order::urgent));
  });
  std::this_thread::sleep_for(Milliseconds(50));
  go = true;
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(testing::names_of(lvm_.changes()), ElementsAre("lvconvert", "lvextend", "lvchange"));
}

TEST_F(VolumeGroupTest, AnUrgentLookDoesNotWaitForOneInTheLine) {
  std::atomic<bool> busy{false};
  std::atomic<bool> go{false};
  std::vector<std::string> order;  // one command at a time
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    order.push_back(arguments.front());
    if (arguments.front() != "lvconvert") return std::nullopt;
    busy = true;
    while (!go) std::this_thread::sleep_for(Milliseconds(1));
    return std::nullopt;
  };
  lvm_.on_look = [&] { order.push_back("lvs"); };
  const auto& commands = group_->commands();
  std::vector<std::thread> threads;
  const auto next = [&](std::function<void()> act) {
    threads.emplace_back(std::move(act));
    std::this_thread::sleep_for(Milliseconds(50));
  };
  next([&] { EXPECT_TRUE(group_->change(commands.split_snapshot("somebodys"))); });
  ASSERT_TRUE(testing::eventually([&] { return busy.load(); }));
  next([&] { EXPECT_TRUE(group_->change(commands.activate({"somebodys"}))); });
  next([&] { EXPECT_TRUE(group_->look()); });
  next([&] { EXPECT_TRUE(group_->look(VolumeGroup::Order::urgent)); });
  go = true;
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(order, ElementsAre("lvconvert", "lvs", "lvchange", "lvs"));
}

TEST_F(VolumeGroupTest, NothingComesBetweenWhatIsDoneInOneGo) {
  std::atomic<bool> busy{false};
  std::atomic<bool> go{false};
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() != "lvconvert") return std::nullopt;
    busy = true;
    while (!go) std::this_thread::sleep_for(Milliseconds(1));
    return std::nullopt;
  };
  const auto& commands = group_->commands();
  std::thread one([&] {
    EXPECT_TRUE(group_->change_in_one_go(
        {commands.split_snapshot("somebodys"), commands.extend("somebodys", 16 * kMiB)}));
  });
  ASSERT_TRUE(testing::eventually([&] { return busy.load(); }));
  std::thread other([&] {
    EXPECT_TRUE(group_->change(commands.activate({"somebodys"}), VolumeGroup::Order::urgent));
  });
  std::this_thread::sleep_for(Milliseconds(50));
  go = true;
  one.join();
  other.join();
  EXPECT_THAT(testing::names_of(lvm_.changes()), ElementsAre("lvconvert", "lvextend", "lvchange"));
}

TEST_F(VolumeGroupTest, WhatIsDoneInOneGoStopsAtTheFirstThatFails) {
  lvm_.before = [](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() != "lvconvert") return std::nullopt;
    process::Outcome outcome;
    outcome.exit_code = 5;
    return outcome;
  };
  const auto& commands = group_->commands();
  EXPECT_FALSE(group_->change_in_one_go(
      {commands.split_snapshot("somebodys"), commands.extend("somebodys", 16 * kMiB)}));
  EXPECT_TRUE(lvm_.changes().empty());
}

TEST_F(VolumeGroupTest, AnLvmThatHangsKeepsNobodyWaiting) {
  ASSERT_EQ("", trouble(group_->recent()));
  std::atomic<bool> busy{false};
  std::atomic<bool> go{false};
  lvm_.before = [&](const Arguments&) -> std::optional<process::Outcome> {
    busy = true;
    while (!go) std::this_thread::sleep_for(Milliseconds(1));
    return std::nullopt;
  };
  std::thread hangs(
      [&] { EXPECT_TRUE(group_->change(group_->commands().split_snapshot("somebodys"))); });
  ASSERT_TRUE(testing::eventually([&] { return busy.load(); }));
  clock_.advance(Milliseconds(12'000));
  EXPECT_TRUE(failed_with(group_->look_or_give_up(), ErrorCode::node_unavailable, "for 12 s"));
  EXPECT_TRUE(failed_with(group_->recent(), ErrorCode::node_unavailable));
  ASSERT_TRUE(group_->last_seen());
  EXPECT_TRUE(group_->last_seen()->find("somebodys"));
  go = true;
  hangs.join();
  EXPECT_EQ("", trouble(group_->look_or_give_up()));
}

TEST_F(VolumeGroupTest, SaysWhatLvmSaid) {
  lvm_.before = [](const Arguments&) {
    process::Outcome outcome;
    outcome.exit_code = 5;
    outcome.err = "  Logical volume vg/somebodys in use.\n  more\n";
    return outcome;
  };
  EXPECT_TRUE(failed_with(group_->change(group_->commands().remove("somebodys")),
                          ErrorCode::conflict, "Logical volume vg/somebodys in use."));
  lvm_.before = [](const Arguments&) {
    process::Outcome outcome;
    outcome.timed_out = true;
    return outcome;
  };
  EXPECT_TRUE(failed_with(group_->change(group_->commands().remove("somebodys")),
                          ErrorCode::timeout, "lvremove"));
}

}  // namespace
}  // namespace vbs::volume_delegate
