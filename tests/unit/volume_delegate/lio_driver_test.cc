#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/unit/volume_delegate/lio_support.h"
#include "tests/unit/volume_delegate/recorded.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::id;
using testing::recorded;
using testing::trouble;

class LioDriverTest : public testing::LioTest {};

TEST_F(LioDriverTest, MakesAndRemovesATarget) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
  EXPECT_EQ(Login::read_write, try_login(wanted));
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  EXPECT_TRUE(driver_->list()->empty());
  EXPECT_TRUE(tree_->everything("core").empty());
}

TEST_F(LioDriverTest, ABackstoreSaysWhichVolumeItIs) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  const std::string path = "core/fileio_7260/" + wanted.serial;
  EXPECT_EQ("T10 VPD Unit Serial Number: " + wanted.serial, read(path + "/wwn/vpd_unit_serial"));
  EXPECT_EQ("VBS", read(path + "/wwn/vendor_id"));
  EXPECT_EQ("VOLUME", read(path + "/wwn/product_id"));
  EXPECT_EQ("0", read(path + "/attrib/emulate_3pc"));
  EXPECT_EQ("fd_dev_name=" + wanted.device + ",fd_dev_size=8388608,fd_buffered_io=1",
            read(path + "/control"));
}

TEST_F(LioDriverTest, ServesABlockDeviceByIblock) {
  TargetSpec wanted = spec(1);
  wanted.device = dir_ / "node";
  if (::mknod(wanted.device.c_str(), S_IFBLK | 0600, makedev(7, 200)) != 0) {
    GTEST_SKIP() << "only root makes device nodes";
  }
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
  EXPECT_EQ("udev_path=" + wanted.device, read("core/iblock_7260/" + wanted.serial + "/control"));
  const std::size_t before = tree_->changes();
  EXPECT_EQ("", trouble(driver_->refresh_size(wanted)));
  EXPECT_EQ(before, tree_->changes()) << "iblock asks the device";
}

TEST_F(LioDriverTest, ASecondTimeChangesNothing) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  log_in(wanted);
  const auto before = tree_->everything("");
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_EQ(before, tree_->everything(""));
  EXPECT_TRUE(tree_->has_session(wanted.iqn));
}

// Whoever logs in meets the logical unit, or nobody does: at no moment is there a target without.
TEST_F(LioDriverTest, AccessIsGrantedLast) {
  for (const bool read_only : {false, true}) {
    TargetSpec wanted = spec(read_only ? 2 : 1);
    wanted.read_only = read_only;
    unsigned too_early = 0;
    unsigned refused = 0;
    tree_->set_watcher([&] {
      const Login seen = try_login(wanted);
      if (seen == Login::refused) ++refused;
      if (seen == Login::without_unit || (read_only && seen == Login::read_write)) ++too_early;
    });
    ASSERT_EQ("", trouble(driver_->apply(wanted)));
    tree_->set_watcher({});
    EXPECT_EQ(0u, too_early);
    EXPECT_GT(refused, 15u);
    EXPECT_EQ(read_only ? Login::read_only : Login::read_write, try_login(wanted));
  }
}

TEST_F(LioDriverTest, AccessGoesFirst) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  unsigned let_in = 0;
  tree_->set_watcher([&] { let_in += try_login(wanted) == Login::refused ? 0 : 1; });
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  EXPECT_EQ(0u, let_in);
}

TEST_F(LioDriverTest, AFenceLeavesSessionsAlone) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  log_in(wanted);
  ASSERT_EQ("", trouble(driver_->fence(wanted.iqn)));
  EXPECT_TRUE(tree_->has_session(wanted.iqn));
  EXPECT_EQ(Login::refused, try_login(wanted));
  EXPECT_TRUE(view(wanted).allowed.empty());
  EXPECT_TRUE(view(wanted).accounts.empty());
  EXPECT_EQ(1u, view(wanted).sessions.size());
  EXPECT_EQ("10.9.0.2", view(wanted).sessions.front().address);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
  EXPECT_EQ("", trouble(driver_->fence("iqn.2026-01.vbs:none")));
}

TEST_F(LioDriverTest, SessionsEndBeforeTheUnitGoes) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  log_in(wanted);
  bool unit_gone_under_session = false;
  tree_->set_watcher([&] {
    const bool has_unit = !tree_->everything("iscsi/" + wanted.iqn + "/tpgt_1/lun/lun_1").empty();
    if (!has_unit && tree_->has_session(wanted.iqn)) unit_gone_under_session = true;
  });
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  EXPECT_FALSE(unit_gone_under_session);
}

TEST_F(LioDriverTest, ReadOnlyExportsShareABackstore) {
  TargetSpec first = spec(1, 9);
  TargetSpec second = spec(2, 9);
  first.read_only = second.read_only = true;
  ASSERT_EQ("", trouble(driver_->apply(first)));
  ASSERT_EQ("", trouble(driver_->apply(second)));
  EXPECT_TRUE(served(first) && served(second));
  EXPECT_EQ(1u, tree_->folders("core/fileio_7260")->size());
  ASSERT_EQ("", trouble(driver_->remove(first.iqn, first.chap_user)));
  EXPECT_TRUE(served(second));
  ASSERT_EQ("", trouble(driver_->remove(second.iqn, second.chap_user)));
  EXPECT_TRUE(tree_->everything("core").empty());
}

TEST_F(LioDriverTest, CompletesWhatACrashLeftHalfMade) {
  const TargetSpec wanted = spec(1);
  const std::size_t whole = changes_of([&] { ASSERT_EQ("", trouble(driver_->apply(wanted))); });
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  for (std::size_t done = 0; done < whole; ++done) {
    tree_->die_after(done);
    EXPECT_FALSE(driver_->apply(wanted)) << done;
    reopen();
    ASSERT_EQ("", trouble(driver_->apply(wanted))) << done;
    EXPECT_TRUE(served(wanted)) << done;
    EXPECT_EQ(Login::read_write, try_login(wanted)) << done;
    ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user))) << done;
  }
}

TEST_F(LioDriverTest, RemovesWhatACrashLeftHalfMade) {
  const TargetSpec wanted = spec(1);
  const std::size_t whole = changes_of([&] { ASSERT_EQ("", trouble(driver_->apply(wanted))); });
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  for (std::size_t done = 0; done < whole; ++done) {
    tree_->die_after(done);
    EXPECT_FALSE(driver_->apply(wanted)) << done;
    reopen();
    ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user))) << done;
    EXPECT_TRUE(tree_->everything("core").empty()) << done;
    EXPECT_TRUE(driver_->list()->empty()) << done;
  }
}

TEST_F(LioDriverTest, ARemovalThatWasCutShortIsCompletedOrTakenBack) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  const std::size_t whole =
      changes_of([&] { ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, ""))); });
  for (std::size_t done = 0; done < whole; ++done) {
    for (const bool again : {false, true}) {
      ASSERT_EQ("", trouble(driver_->apply(wanted))) << done;
      log_in(wanted);
      tree_->die_after(done);
      EXPECT_FALSE(driver_->remove(wanted.iqn, "")) << done;
      reopen();
      if (again) {
        ASSERT_EQ("", trouble(driver_->apply(wanted))) << done;
        EXPECT_TRUE(served(wanted)) << done;
      }
      ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, ""))) << done;
      EXPECT_TRUE(tree_->everything("core").empty()) << done;
    }
  }
}

TEST_F(LioDriverTest, TakesAwayAccessThatSomebodyAdded) {
  const TargetSpec wanted = spec(1);
  const std::string group = "iscsi/" + wanted.iqn + "/tpgt_1";
  const std::string stranger = group + "/acls/iqn.2026-01.host:stranger";
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  ASSERT_EQ("", trouble(tree_->make_folder(stranger)));
  ASSERT_EQ("", trouble(tree_->write(stranger + "/auth/userid", "s")));
  ASSERT_EQ("", trouble(tree_->write(stranger + "/auth/password", "s")));
  EXPECT_FALSE(served(wanted));
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
  for (const auto& [attribute, value] :
       {std::pair("/attrib/authentication", "0"), std::pair("/attrib/generate_node_acls", "1")}) {
    ASSERT_EQ("", trouble(tree_->write(group + attribute, value)));
    EXPECT_FALSE(served(wanted)) << attribute;
    ASSERT_EQ("", trouble(driver_->apply(wanted)));
    EXPECT_TRUE(served(wanted)) << attribute;
  }
}

TEST_F(LioDriverTest, RebuildsATargetWhoseDeviceWasSwapped) {
  const TargetSpec wanted = spec(1);
  const TargetSpec other = spec(2);
  ASSERT_EQ("", trouble(driver_->apply(other)));
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  const std::string link = "iscsi/" + wanted.iqn + "/tpgt_1/lun/lun_1/unit";
  ASSERT_EQ("", trouble(tree_->unlink(link)));
  ASSERT_EQ("", trouble(tree_->link(link, "core/fileio_7260/" + other.serial)));
  EXPECT_FALSE(served(wanted));
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted) && served(other));
}

TEST_F(LioDriverTest, TakesAwayAnotherUnit) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  ASSERT_EQ("", trouble(tree_->make_folder("iscsi/" + wanted.iqn + "/tpgt_1/lun/lun_2")));
  EXPECT_FALSE(served(wanted));
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
}

TEST_F(LioDriverTest, ATargetWithoutAUnitLetsItsInitiatorIn) {
  TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  wanted.device.clear();
  wanted.serial.clear();
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
  EXPECT_EQ(Login::without_unit, try_login(wanted));
  EXPECT_TRUE(tree_->everything("core").empty());
}

TEST_F(LioDriverTest, WhatOthersMadeIsListedAndLeftAlone) {
  const std::string foreign = "iscsi/iqn.2003-01.org.example:disk";
  ASSERT_EQ("", trouble(tree_->make_folder("core/iblock_0")));
  ASSERT_EQ("", trouble(tree_->make_folder("core/iblock_0/theirs")));
  ASSERT_EQ("", trouble(tree_->make_folder(foreign)));
  ASSERT_EQ("", trouble(tree_->make_folder(foreign + "/tpgt_1")));
  const auto before = tree_->everything("");
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_EQ(2u, driver_->list()->size());
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  EXPECT_EQ(before, tree_->everything(""));
}

TEST_F(LioDriverTest, WordsThatTheKernelTakesForNothingAreRefused) {
  TargetSpec wanted = spec(1);
  wanted.chap_user = "NULLuser";
  EXPECT_TRUE(failed_with(driver_->apply(wanted), ErrorCode::invalid_field, "NULL"));
  wanted.chap_user = "user";
  wanted.chap_secret = Secret("NULLsecretsecret");
  EXPECT_TRUE(failed_with(driver_->apply(wanted), ErrorCode::invalid_field, "chap_secret"));
  EXPECT_TRUE(driver_->list()->empty());
}

TEST_F(LioDriverTest, AFileThatGrewIsToldToTheKernel) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  ASSERT_EQ(0, ::truncate(wanted.device.c_str(), 16 << 20));
  EXPECT_TRUE(driver_->grows_live());
  ASSERT_EQ("", trouble(driver_->refresh_size(wanted)));
  EXPECT_EQ(16u << 20, view(wanted).size_bytes);
  EXPECT_EQ("fd_dev_size=16777216", read("core/fileio_7260/" + wanted.serial + "/control"));
}

TEST(LioSessions, AreReadFromTheKernelsReport) {
  const auto sessions = parse_lio_sessions(recorded("lio/6.1.0/info-session.txt"));
  ASSERT_EQ("", trouble(sessions));
  ASSERT_EQ(1u, sessions->size());
  EXPECT_EQ("iqn.2026-01.vbs.lab:vs", sessions->front().initiator);
  EXPECT_EQ("10.9.0.1", sessions->front().address);
  const auto none = parse_lio_sessions(recorded("lio/6.1.0/info-none.txt"));
  ASSERT_EQ("", trouble(none));
  EXPECT_TRUE(none->empty());
  EXPECT_FALSE(parse_lio_sessions("something else"));
}

}  // namespace
}  // namespace vbs::volume_delegate
