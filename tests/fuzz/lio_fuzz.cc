#include "tests/fuzz/fuzz.h"
#include "volume_delegate/target/lio/lio_target.h"

/// What LIO tells of an initiator's session.
void vbs::fuzz::one_input(std::string_view input) {
  const auto sessions = volume_delegate::parse_lio_sessions(std::string(input));
  if (!sessions) return;
  require(sessions->size() <= 1, "an initiator has one session");
  for (const auto& session : *sessions) require(!session.initiator.empty(), "it has a name");
}
