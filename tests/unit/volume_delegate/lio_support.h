#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/file.h"
#include "tests/fakes/fake_config_tree.h"
#include "tests/unit/volume_delegate/target_support.h"
#include "volume_delegate/target/lio/lio_driver.h"

namespace vbs::volume_delegate::testing {

/// A driver over a tree in memory, with files as devices.
class LioTest : public ::testing::Test {
 protected:
  using Login = fakes::FakeConfigTree::Login;

  LioTest() { reopen(); }

  /// As after a restart of the program.
  void reopen() {
    tree_->die_after({});
    LioOptions options;
    options.portal = Portal{"127.0.0.1", 3260};
    options.modules = dir_.path();
    options.limit = limit_;
    driver_ = std::make_unique<LioDriver>(options, tree_);
  }

  std::string make_image(const std::string& name) const {
    const std::string path = dir_ / name;
    EXPECT_EQ("", trouble(write_file_durably(path, "", 0600)));
    EXPECT_EQ(0, ::truncate(path.c_str(), 8 << 20));
    return path;
  }

  TargetSpec spec(unsigned number, unsigned volume = 0) const {
    const std::string name = "v" + std::to_string(volume == 0 ? number : volume);
    return target_spec(number, make_image(name), volume);
  }

  TargetView view(const TargetSpec& spec) { return target_view(*driver_, spec.iqn); }
  bool served(const TargetSpec& spec) { return serves(view(spec), spec); }
  Login try_login(const TargetSpec& spec) const {
    return tree_->try_login(spec.iqn, spec.initiator, spec.chap_user, spec.chap_secret.reveal());
  }
  Login log_in(const TargetSpec& spec) {
    return tree_->log_in(spec.iqn, spec.initiator, spec.chap_user, spec.chap_secret.reveal());
  }
  std::size_t changes_of(const std::function<void()>& act) const {
    const std::size_t before = tree_->changes();
    act();
    return tree_->changes() - before;
  }
  std::string read(const std::string& path) const { return tree_->read(path).value_or("(none)"); }

  TempDir dir_;
  std::shared_ptr<fakes::FakeConfigTree> tree_ = std::make_shared<fakes::FakeConfigTree>();
  Milliseconds limit_{60'000};  ///< of the next driver
  std::unique_ptr<LioDriver> driver_;
};

}  // namespace vbs::volume_delegate::testing
