#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/file.h"
#include "tests/fakes/fake_config_tree.h"
#include "tests/unit/volume_delegate/support.h"
#include "volume_delegate/target/export_identity.h"
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
    const std::string name = std::to_string(volume == 0 ? number : volume);
    TargetSpec out;
    out.iqn = export_iqn("iqn.2026-01.vbs", id(number));
    out.number = number;
    out.device = make_image("v" + name);
    out.serial = id(1000 + (volume == 0 ? number : volume)).str();
    out.initiator = "iqn.2026-01.host:" + std::to_string(number);
    out.chap_user = "user" + std::to_string(number);
    out.chap_secret = Secret("secretsecret12");
    return out;
  }

  TargetView view(const TargetSpec& spec) {
    const auto views = driver_->list();
    EXPECT_EQ("", trouble(views));
    for (const auto& seen : views.value_or(std::vector<TargetView>{})) {
      if (seen.iqn == spec.iqn) return seen;
    }
    return {};
  }
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
