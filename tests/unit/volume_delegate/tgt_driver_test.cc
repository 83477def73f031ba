#include "volume_delegate/target/tgt/tgt_driver.h"

#include <gtest/gtest.h>

#include "common/process.h"
#include "tests/unit/volume_delegate/target_support.h"
#include "tests/unit/volume_delegate/tgt_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::trouble;

class TgtDriverTest : public testing::TgtTest {
 protected:
  void SetUp() override {
    TgtTest::SetUp();
    if (IsSkipped()) return;
    driver_ = start();
    tgt_ = std::make_unique<TgtControl>(socket());
  }

  TargetSpec spec(unsigned number) {
    return testing::target_spec(number, make_image("v" + std::to_string(number) + ".img"));
  }
  TargetView view(const TargetSpec& spec) { return testing::target_view(*driver_, spec.iqn); }
  bool served(const TargetSpec& spec) { return serves(view(spec), spec); }
  bool account_exists(const TargetSpec& spec) {
    const auto made = tgt_->new_account(spec.chap_user, Secret("probeprobe123"));
    if (!made) return true;
    EXPECT_EQ("", trouble(tgt_->delete_account(spec.chap_user)));
    return false;
  }

  std::unique_ptr<TgtDriver> driver_;
  std::unique_ptr<TgtControl> tgt_;
};

// What every driver has to do stands in tests/conformance/target.
TEST_F(TgtDriverTest, TheAccountGoesWithItsTarget) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(account_exists(wanted));
  ASSERT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  EXPECT_FALSE(account_exists(wanted));
}

// What a crash in the middle of apply leaves, one step further each time.
TEST_F(TgtDriverTest, CompletesWhatACrashLeftHalfMade) {
  for (int steps = 1; steps <= 5; ++steps) {
    const auto tid = static_cast<std::uint32_t>(steps);
    const TargetSpec wanted = spec(tid);
    ASSERT_EQ("", trouble(tgt_->new_target(tid, wanted.iqn)));
    const std::vector<std::function<Result<void>()>> more = {
        [&] { return tgt_->new_lun(tid, kExportLun, wanted.device); },
        [&] { return tgt_->update_lun(tid, kExportLun, "scsi_sn=" + wanted.serial); },
        [&] { return tgt_->new_account(wanted.chap_user, Secret("anothersecret")); },
        [&] { return tgt_->bind_account(tid, wanted.chap_user); },
    };
    for (int done = 1; done < steps; ++done) {
      ASSERT_EQ("", trouble(more[static_cast<std::size_t>(done) - 1]()));
    }
    EXPECT_FALSE(served(wanted));
    ASSERT_EQ("", trouble(driver_->apply(wanted))) << "after " << steps << " steps";
    EXPECT_TRUE(served(wanted)) << "after " << steps << " steps";
  }
}

TEST_F(TgtDriverTest, MakesAUnitAnewThatWentOffline) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  ASSERT_EQ("", trouble(tgt_->update_lun(1, kExportLun, "online=0")));
  ASSERT_FALSE(served(wanted));
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
}

// tgtd lets in who matches any rule, so that an address beside the name would do for everybody
// there.
TEST_F(TgtDriverTest, TakesAwayARuleByAddress) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  process::Command command;
  command.argv = {"/usr/sbin/tgtadm", "-C",   "1",    "--lld", "iscsi", "--mode",
                  "target",           "--op", "bind", "--tid", "1",     "-I",
                  "127.0.0.1"};
  command.environment["TGT_IPC_SOCKET"] = options_.folder + "/control";
  ASSERT_EQ(0, process::run(command)->exit_code);
  EXPECT_EQ(2u, view(wanted).allowed.size());
  EXPECT_FALSE(served(wanted));
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_EQ(std::vector<std::string>{wanted.initiator}, view(wanted).allowed);
}

TEST_F(TgtDriverTest, ThreadsDoNotGrowWithoutBound) {
  const auto threads = [this] {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(daemon_pid()) +
                                                  "/task");
    return std::distance(std::filesystem::begin(all), std::filesystem::end(all));
  };
  const auto before = threads();
  constexpr int kExports = 5;
  for (unsigned n = 1; n <= kExports; ++n) ASSERT_EQ("", trouble(driver_->apply(spec(n))));
  EXPECT_LE(threads(), before + kExports * options_.threads) << "tgtd's own default is 16 each";
}

TEST_F(TgtDriverTest, RestoresAUnitThatWasDeletedByHand) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  ASSERT_EQ("", trouble(tgt_->delete_lun(1, kExportLun)));
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
}

TEST_F(TgtDriverTest, ANumberThatIsTakenIsSaid) {
  ASSERT_EQ("", trouble(tgt_->new_target(1, "iqn.2001-04.com.example:foreign")));
  EXPECT_TRUE(failed_with(driver_->apply(spec(1)), ErrorCode::already_exists));
  EXPECT_EQ(1u, driver_->list()->size());
}

TEST_F(TgtDriverTest, AForeignTargetKeepsItsAccount) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(tgt_->new_target(9, "iqn.2001-04.com.example:foreign")));
  ASSERT_EQ("", trouble(tgt_->new_account(wanted.chap_user, Secret("foreignsecret"))));
  ASSERT_EQ("", trouble(tgt_->bind_account(9, wanted.chap_user)));
  EXPECT_TRUE(failed_with(driver_->apply(wanted), ErrorCode::conflict, "foreign"));
  EXPECT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  EXPECT_TRUE(account_exists(wanted));
}

TEST_F(TgtDriverTest, WhatHangsIsNotTakenForGone) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  const pid_t pid = daemon_pid();
  ASSERT_EQ(0, ::kill(pid, SIGSTOP));
  EXPECT_TRUE(failed_with(driver_->remove(wanted.iqn, wanted.chap_user), ErrorCode::timeout));
  ASSERT_EQ(0, ::kill(pid, SIGCONT));
  EXPECT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
}

TEST_F(TgtDriverTest, NoSecretIsInAnyProcessArguments) {
  const TargetSpec wanted = spec(1);
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  const auto arguments = read_file("/proc/" + std::to_string(daemon_pid()) + "/cmdline");
  const auto environment = read_file("/proc/" + std::to_string(daemon_pid()) + "/environ");
  const auto log = read_file(options_.folder + "/tgtd.log");
  for (const auto& text : {arguments, environment, log}) {
    ASSERT_TRUE(text);
    EXPECT_EQ(std::string::npos, text->find(wanted.chap_secret.reveal()));
  }
}

}  // namespace
}  // namespace vbs::volume_delegate
