#include "tests/fuzz/fuzz.h"
#include "volume_delegate/target/iet/iet_report.h"

/// What IET shows in /proc/net/iet, and says of its version.
void vbs::fuzz::one_input(std::string_view input) {
  using namespace volume_delegate;
  if (const auto targets = parse_iet_volumes(input)) {
    for (const IetTarget& target : *targets) require(!target.iqn.empty(), "a target has a name");
  }
  if (const auto sessions = parse_iet_sessions(input)) {
    for (const IetSession& one : *sessions)
      require(!one.initiator.empty(), "somebody is logged in");
  }
  if (const auto version = parse_iet_version(input)) {
    require(*version < 1'000'000, "a version has three parts of two digits");
  }
}
