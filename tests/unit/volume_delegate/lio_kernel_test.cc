#include "volume_delegate/target/lio/lio_kernel.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/fakes/fake_config_tree.h"
#include "tests/unit/volume_delegate/support.h"
#include "tests/unit/volume_delegate/tgt_support.h"
#include "volume_delegate/target/lio/configfs.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::trouble;

class LioKernelTest : public ::testing::Test {
 protected:
  void load_module() const {
    ASSERT_TRUE(std::filesystem::create_directory(dir_ / "iscsi_target_mod"));
  }

  testing::TempDir dir_;
  fakes::FakeConfigTree tree_;
  const Portal portal_{"127.0.0.1", testing::free_port()};
  LioKernel kernel_{tree_, "/sys/kernel/config", dir_.path(), portal_};
};

TEST_F(LioKernelTest, ATreeThatIsSeenTells) {
  load_module();
  EXPECT_TRUE(kernel_.is_set_up().value_or(false));
  ASSERT_EQ("", trouble(tree_.remove_folder("iscsi")));
  EXPECT_FALSE(kernel_.is_set_up().value_or(true));
}

TEST_F(LioKernelTest, WithoutItsModuleNothingIsServed) {
  tree_.hide(true);
  EXPECT_FALSE(kernel_.is_set_up().value_or(true));
}

// The kernel goes on serving what it serves, whoever unmounts its tree.
TEST_F(LioKernelTest, ATreeThatIsNotSeenIsNotAnEmptyOne) {
  load_module();
  tree_.hide(true);
  EXPECT_TRUE(failed_with(kernel_.is_set_up(), ErrorCode::timeout, "mount"));
  EXPECT_TRUE(failed_with(kernel_.ensure(), ErrorCode::timeout, "target.configfs"));
}

// A wrong path leads to some folder, say.
TEST_F(LioKernelTest, NotEveryFolderIsTheKernelsTree) {
  load_module();
  Configfs somewhere(dir_.path());
  LioKernel kernel(somewhere, dir_.path(), dir_.path(), portal_);
  EXPECT_TRUE(failed_with(kernel.is_set_up(), ErrorCode::timeout, "not of the kernel's configfs"));
}

TEST_F(LioKernelTest, APortalThatAnotherProgramHasIsNamed) {
  const testing::Listener other(portal_.port);
  EXPECT_TRUE(failed_with(kernel_.ensure(), ErrorCode::node_unavailable, portal_.str()));
}

TEST_F(LioKernelTest, APortalOfItsOwnIsNoTrouble) {
  const testing::Listener kernels(portal_.port);
  const std::string group = "iscsi/iqn.2026-01.vbs:a/tpgt_1";
  for (const auto& folder :
       {std::string("iscsi/iqn.2026-01.vbs:a"), group, group + "/np/" + portal_.str()}) {
    ASSERT_EQ("", trouble(tree_.make_folder(folder)));
  }
  EXPECT_EQ(DaemonState::found, kernel_.ensure().value_or(DaemonState::started));
}

// Looking whether the port is free takes it for a moment, in which no target could.
TEST_F(LioKernelTest, AFreePortalIsLookedAtOnce) {
  ASSERT_EQ("", trouble(kernel_.ensure()));
  const testing::Listener later(portal_.port);
  EXPECT_EQ("", trouble(kernel_.ensure()));
}

}  // namespace
}  // namespace vbs::volume_delegate
