// LioDriver where the kernel, a device or somebody else is in the way.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/volume_delegate/lio_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::eventually;
using testing::failed_with;
using testing::id;
using testing::trouble;

class LioTroubleTest : public testing::LioTest {
 protected:
  static std::string group(const TargetSpec& spec) { return "iscsi/" + spec.iqn + "/tpgt_1"; }
};

// Whoever takes "gone" for an answer lets another writer in.
TEST_F(LioTroubleTest, WhatCannotBeSeenIsNotGone) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  ASSERT_EQ(0, ::mkdir((dir_ / "iscsi_target_mod").c_str(), 0700));
  tree_->hide(true);
  EXPECT_TRUE(failed_with(driver_->list(), ErrorCode::timeout, "mount"));
  EXPECT_TRUE(failed_with(driver_->fence(wanted.iqn), ErrorCode::timeout));
  EXPECT_TRUE(failed_with(driver_->remove(wanted.iqn, ""), ErrorCode::timeout));
  EXPECT_EQ(Login::read_write, try_login(wanted)) << "as the kernel sees it";
  tree_->hide(false);
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, "")));
  EXPECT_EQ(Login::refused, try_login(wanted));
  tree_->hide(true);
  ASSERT_EQ(0, ::rmdir((dir_ / "iscsi_target_mod").c_str()));
  EXPECT_TRUE(failed_with(driver_->list(), ErrorCode::node_unavailable));
  EXPECT_EQ("", trouble(driver_->fence(wanted.iqn))) << "without the module nothing is served";
  EXPECT_EQ("", trouble(driver_->remove(wanted.iqn, "")));
}

// Its records may be wrong: of a restored backup, or of a target that came back by other means.
TEST_F(LioTroubleTest, AVolumeIsNeverServedToTwoWriters) {
  const TargetSpec first = spec(1, 9);
  const TargetSpec second = spec(2, 9);
  ASSERT_EQ("", trouble(driver_->apply(first)));
  log_in(first);
  EXPECT_TRUE(failed_with(driver_->apply(second), ErrorCode::conflict, first.iqn));
  EXPECT_EQ(Login::refused, try_login(second));
  EXPECT_TRUE(served(first) && tree_->has_session(first.iqn));
  ASSERT_EQ("", trouble(driver_->remove(first.iqn, "")));
  EXPECT_EQ("", trouble(driver_->apply(second)));
}

// Ending the sessions waits for the device, and a server has few threads.
TEST_F(LioTroubleTest, ADeviceThatHangsHoldsUpNothingElse) {
  limit_ = Milliseconds(300);
  reopen();
  const TargetSpec hung = spec(1);
  const TargetSpec other = spec(2);
  ASSERT_EQ("", trouble(driver_->apply(hung)));
  log_in(hung);
  tree_->hang(group(hung) + "/enable");
  EXPECT_TRUE(failed_with(driver_->remove(hung.iqn, ""), ErrorCode::timeout, "within 300 ms"));
  const auto begin = std::chrono::steady_clock::now();
  for (int again = 0; again < 100; ++again) {
    EXPECT_TRUE(failed_with(driver_->remove(hung.iqn, ""), ErrorCode::timeout, "earlier call"));
    EXPECT_TRUE(failed_with(driver_->apply(hung), ErrorCode::timeout, "earlier call"));
    EXPECT_FALSE(view(hung).known) << "and not taken for one without sessions";
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20)) << "not 300 times";
  EXPECT_EQ("", trouble(driver_->apply(other)));
  EXPECT_TRUE(served(other));
  tree_->hang({});
  EXPECT_TRUE(eventually([&] { return driver_->remove(hung.iqn, "").has_value(); }));
  EXPECT_FALSE(tree_->has_session(hung.iqn));
  EXPECT_TRUE(served(other));
}

// What an order left behind still does ends before the next one about the same target begins.
TEST_F(LioTroubleTest, AnOrderThatWasLeftBehindDoesNotComeLate) {
  limit_ = Milliseconds(300);
  reopen();
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, "")));
  tree_->hang("core/fileio_7260/" + wanted.serial + "/enable");
  EXPECT_TRUE(failed_with(driver_->apply(wanted), ErrorCode::timeout));
  EXPECT_TRUE(failed_with(driver_->remove(wanted.iqn, ""), ErrorCode::timeout, "earlier call"));
  tree_->hang({});
  EXPECT_TRUE(eventually([&] { return driver_->remove(wanted.iqn, "").has_value(); }));
  EXPECT_TRUE(driver_->list()->empty());
  EXPECT_TRUE(tree_->everything("core").empty());
}

TEST_F(LioTroubleTest, APortalThatSomebodyAddedIsTakenAway) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  log_in(wanted);
  ASSERT_EQ("", trouble(tree_->make_folder(group(wanted) + "/np/127.0.0.2:3260")));
  EXPECT_FALSE(served(wanted));
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
  EXPECT_EQ(std::vector<std::string>{"127.0.0.1:3260"}, *tree_->folders(group(wanted) + "/np"));
  EXPECT_TRUE(tree_->has_session(wanted.iqn));
}

TEST_F(LioTroubleTest, APortalThatIsTakenIsSaidSoAndTriedAgain) {
  const TargetSpec wanted = spec(1);
  tree_->take_portals(true);
  EXPECT_TRUE(failed_with(driver_->apply(wanted), ErrorCode::node_unavailable, "in use"));
  EXPECT_FALSE(served(wanted));
  tree_->take_portals(false);
  EXPECT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
}

TEST_F(LioTroubleTest, SaysWhenADeviceIsMissingOrInUse) {
  TargetSpec bad = spec(1);
  bad.device = dir_ / "missing";
  EXPECT_TRUE(failed_with(driver_->apply(bad), ErrorCode::internal, "missing"));
  EXPECT_EQ(Login::refused, try_login(bad));
  const TargetSpec good = spec(2);
  ASSERT_EQ("", trouble(driver_->apply(good)));
  TargetSpec same = good;
  same.iqn = export_iqn("iqn.2026-01.vbs", id(3));
  same.serial = id(1003).str();
  EXPECT_TRUE(failed_with(driver_->apply(same), ErrorCode::conflict, "has it open"));
  EXPECT_TRUE(served(good));
  const auto left = tree_->everything("");
  bool torn_down = false;
  tree_->set_watcher([&] { torn_down |= !tree_->read(group(same) + "/enable"); });
  EXPECT_TRUE(failed_with(driver_->apply(same), ErrorCode::conflict, "has it open"));
  tree_->set_watcher({});
  EXPECT_FALSE(torn_down) << "a device in use is no other device under this name";
  EXPECT_EQ(left, tree_->everything(""));
}

// One read-only export of it was there when the file grew.
TEST_F(LioTroubleTest, ABackstoreThatIsUsedAgainHasTheSizeOfTheDay) {
  TargetSpec first = spec(1, 9);
  first.read_only = true;
  ASSERT_EQ("", trouble(driver_->apply(first)));
  TargetSpec second = spec(2, 9);
  second.read_only = true;
  ASSERT_EQ(0, ::truncate(second.device.c_str(), 16 << 20));
  ASSERT_EQ("", trouble(driver_->apply(second)));
  EXPECT_EQ(16u << 20, view(second).size_bytes);
}

// The serial says that a backstore is complete, so that all else comes before.
TEST_F(LioTroubleTest, ABackstoreWithItsSerialCanDiscard) {
  const TargetSpec wanted = spec(1);
  const std::string path = "core/fileio_7260/" + wanted.serial;
  bool too_early = false;
  tree_->set_watcher([&] {
    const bool has_serial = read(path + "/wwn/vpd_unit_serial").ends_with(wanted.serial);
    const bool discards =
        read(path + "/attrib/emulate_tpu") == "1" && read(path + "/attrib/emulate_tpws") == "1";
    too_early |= has_serial && !discards;
  });
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  tree_->set_watcher({});
  EXPECT_FALSE(too_early);
}

}  // namespace
}  // namespace vbs::volume_delegate
