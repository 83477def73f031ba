#include "volume_delegate/target/iet/iet_driver.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "common/file.h"
#include "common/process.h"
#include "tests/unit/volume_delegate/target_support.h"
#include "tests/unit/volume_delegate/tgt_support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::trouble;

/// The driver over the stand-in.
class IetDriverTest : public ::testing::Test {
 protected:
  void start_version(const std::string& version) {
    for (const char* folder : {"iet", "iet/proc", "iet/etc"}) {
      std::filesystem::create_directory(dir_ / folder);
    }
    std::filesystem::create_symlink(std::string(VBS_SOURCE_DIR) + "/tests/fakes/iet/ietadm",
                                    dir_ / "iet/ietadm");
    put("iet/version", version);
    put("iet/etc/initiators.allow", "");
    put("iet/etc/initiators.deny", "");
    act("start");
    IetOptions options;
    options.program = dir_ / "iet/ietadm";
    options.proc = dir_ / "iet/proc";
    options.config = dir_ / "iet/etc";
    options.portal = portal_;
    auto driver = IetDriver::create(options);
    ASSERT_EQ("", trouble(driver));
    driver_ = std::move(*driver);
    ASSERT_EQ("", trouble(driver_->ensure_running()));
  }
  void put(const std::string& name, const std::string& text) const {
    ASSERT_EQ("", trouble(write_file_durably(dir_ / name, text, 0644)));
  }
  void act(const std::string& word) const {
    process::Command command;
    command.argv = {dir_ / "iet/ietadm", "stand-in", word};
    const auto ended = process::run(command);
    ASSERT_TRUE(ended && ended->exit_code == 0);
  }
  TargetSpec make_export() const {
    put("image", "");
    const TargetSpec out = testing::target_spec(1, dir_ / "image");
    EXPECT_EQ(0, ::truncate(out.device.c_str(), 1 << 20));
    EXPECT_EQ("", trouble(driver_->apply(out)));
    return out;
  }
  bool served(const TargetSpec& spec) const {
    return serves(testing::target_view(*driver_, spec.iqn), spec);
  }

  testing::TempDir dir_;
  const Portal portal_{"127.0.0.1", testing::free_port()};
  const testing::Listener listener_{portal_.port};
  std::unique_ptr<IetDriver> driver_;
};

// Its targets went with it, whatever was made by its predecessor.
TEST_F(IetDriverTest, ANewDaemonIsNoticed) {
  start_version("1.4.20");
  const TargetSpec wanted = make_export();
  EXPECT_TRUE(served(wanted));
  EXPECT_EQ(DaemonState::found, driver_->ensure_running().value_or(DaemonState::started));
  act("kill");
  EXPECT_TRUE(failed_with(driver_->ensure_running(), ErrorCode::node_unavailable, "ietd"));
  act("start");
  EXPECT_EQ(DaemonState::started, driver_->ensure_running().value_or(DaemonState::found));
  EXPECT_FALSE(served(wanted));
  ASSERT_EQ("", trouble(driver_->apply(wanted)));
  EXPECT_TRUE(served(wanted));
}

// The kernel lists the target as before, but nobody can log in to it.
TEST_F(IetDriverTest, WhatAnOldKernelKeepsOfADeadDaemonIsNotServed) {
  start_version("0.4.17");
  const TargetSpec wanted = make_export();
  EXPECT_TRUE(served(wanted));
  act("kill");
  act("start");
  EXPECT_EQ(1u, driver_->list()->size());
  EXPECT_FALSE(served(wanted));
  EXPECT_TRUE(failed_with(driver_->apply(wanted), ErrorCode::internal, "unload"));
  EXPECT_TRUE(failed_with(driver_->remove(wanted.iqn, wanted.chap_user), ErrorCode::timeout));
}

}  // namespace
}  // namespace vbs::volume_delegate
