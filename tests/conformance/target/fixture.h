#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "tests/conformance/target/rig.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::conformance {

using volume_delegate::serves;
using volume_delegate::testing::eventually;
using volume_delegate::testing::failed_with;
using volume_delegate::testing::trouble;

/// One driver over the real target software, or over its stand-in; everything that a case made is
/// removed after it.
class TargetConformance : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// As after a restart of the delegate: nothing is remembered.
  void reopen();
  /// An export of its own volume, or of one that another has already; not yet applied.
  TargetSpec spec(unsigned number, unsigned volume = 0);
  void apply(const TargetSpec& spec);
  void remove(const TargetSpec& spec);
  /// Applies or removes in a process of its own that dies at a fault point.
  void die_during(const std::string& verb, const TargetSpec& spec, const std::string& point);

  TargetView view(const TargetSpec& spec);
  bool is_listed(const std::string& iqn);
  bool served(const TargetSpec& spec) { return serves(view(spec), spec); }
  Result<std::unique_ptr<Session>> try_login(const TargetSpec& spec);
  std::unique_ptr<Session> log_in(const TargetSpec& spec);
  bool refuses(const Credentials& credentials);
  static Credentials credentials(const TargetSpec& spec);

  volume_delegate::testing::TempDir dir_;
  std::unique_ptr<Rig> rig_;
  std::unique_ptr<Devices> devices_;
  std::unique_ptr<TargetDriver> driver_;

 private:
  std::map<unsigned, std::string> volumes_;
  std::map<std::string, TargetSpec> applied_;
};

/// The other half of `die_during`; true if this process is it.
bool act_as_child(int argc, char** argv);

}  // namespace vbs::conformance
