#include "common/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/peer.h"
#include "vmm_delegate/hypervisor/guest_answers.h"
#include "vmm_delegate/hypervisor/qemu/guest_agent.h"

namespace {

using namespace vbs;
using namespace vbs::vmm_delegate;
using fuzz::require;

const std::string kSerial = "01890000-0000-7000-8000-000000000001";

void check_disk(const Result<std::optional<GuestDisk>>& disk) {
  if (!disk || !*disk) return;
  const auto check_text = [](const std::string& text) {
    require(text.size() <= 4 * 256 + 3, "a guest's texts are short");
    require(is_printable_utf8(text), "a guest's texts print");
  };
  check_text((*disk)->device);
  for (const std::string& mountpoint : (*disk)->mountpoints) check_text(mountpoint);
}

void check_answer(std::string_view line) {
  const auto result = guest_result("guest-get-disks", line, 16 * 1024);
  if (!result) {
    require(is_printable_utf8(result.error().message), "a guest's complaint prints");
    return;
  }
  guest_is_frozen(*result).has_value();
  check_disk(guest_disk(*result, kSerial));
  check_disk(guest_mounted_disk(*result, kSerial));
}

}  // namespace

/// What the agent in a guest answers: its first line by itself, and all of it on a connection.
void vbs::fuzz::one_input(std::string_view input) {
  check_answer(input.substr(0, input.find('\n')));
  static Peer guest;
  guest.say(input);
  GuestAgent::Limits limits;
  limits.line_bytes = 16 * 1024;
  if (auto agent = GuestAgent::knock(guest.path(), limits)) check_disk(agent->disk(kSerial));
  if (auto agent = GuestAgent::knock(guest.path(), limits)) {
    require(!agent->synchronise(), "nobody guesses what the answer must hold");
  }
}
