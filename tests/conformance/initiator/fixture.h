#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/conformance/initiator/targets.h"
#include "tests/conformance/patiently.h"
#include "vmm_delegate/initiator/initiator_settings.h"

namespace vbs::conformance {

using test::test_id;
using vmm_delegate::Initiator;
using vmm_delegate::InitiatorSettings;

/// One driver and its targets; what a case leaves behind on the host is removed after it.
class InitiatorConformance : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  static InitiatorSettings settings();
  /// Whether the host itself logs in, and keeps sessions and disks.
  static bool of_host() { return settings().driver == "open_iscsi"; }
  /// As after a restart of the delegate: nothing is remembered.
  void reopen(const InitiatorSettings& settings = InitiatorConformance::settings());

  wire::SessionSpec serve(unsigned number);
  Result<wire::SessionStatus> log_in(unsigned number, const wire::SessionSpec& spec);
  Result<void> log_out(unsigned number);
  /// Why a login fails, once that is settled; `internal` where it succeeds.
  Error refusal(unsigned number, const wire::SessionSpec& spec);
  /// Nothing of the attachment is on the host: no session, no disk, no record, by what the host
  /// itself shows.
  void expect_nothing(unsigned number);
  /// Logs in or out in a process of its own that dies at a fault point.
  void die_during(const std::string& verb, unsigned number, const wire::SessionSpec& spec,
                  const std::string& point);
  /// What a command of the host prints; "" where it fails.
  static std::string told_by(const std::vector<std::string>& argv);

  std::unique_ptr<Targets> targets_;
  std::unique_ptr<Initiator> initiator_;

 private:
  std::vector<unsigned> numbers_;
};

/// The other half of `die_during`; true if this process is it.
bool act_as_child(int argc, char** argv);

/// The names below a folder that hold `part`.
std::vector<std::string> names_with(const std::string& folder, const std::string& part);

}  // namespace vbs::conformance
