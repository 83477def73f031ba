#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/peer.h"
#include "volume_delegate/target/tgt/tgt_control.h"

/// What tgtd answers on its control socket.
void vbs::fuzz::one_input(std::string_view input) {
  static Peer tgtd;
  tgtd.say(input);
  volume_delegate::TgtControl control(tgtd.path());
  const auto report = control.show_targets();
  require(!report || report->size() <= input.size(), "a report is what was sent");
  const auto refused = control.delete_account("vbs");
  require(refused.has_value() == report.has_value(), "an answer means the same to each request");
}
