#include "tests/fuzz/fuzz.h"
#include "volume_delegate/target/tgt/tgt_report.h"

/// What tgtd reports of targets and portals.
void vbs::fuzz::one_input(std::string_view input) {
  using namespace volume_delegate;
  std::size_t lines = 0;
  for (const char c : input) lines += c == '\n' ? 1U : 0U;
  if (const auto targets = parse_tgt_targets(input)) {
    std::size_t told = 0;
    for (const TgtTarget& target : *targets) {
      told += 1 + target.sessions.size() + target.luns.size() + target.acl.size() +
              target.accounts.size();
    }
    require(told <= lines + 1, "each line tells of one thing");
  }
  if (const auto portals = parse_tgt_portals(input)) {
    require(portals->size() <= lines + 1, "each line tells of one portal");
  }
}
