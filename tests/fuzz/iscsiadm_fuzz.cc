#include "common/text.h"
#include "tests/fuzz/fuzz.h"
#include "vmm_delegate/hypervisor/xen/xen_names.h"
#include "vmm_delegate/initiator/iscsi_names.h"
#include "vmm_delegate/initiator/iscsiadm.h"
#include "vmm_delegate/initiator/scsi_serial.h"

namespace {

using namespace vbs;
using namespace vbs::vmm_delegate;
using fuzz::require;

void check_portal_text(std::string_view text) {
  const auto portal = split_portal(text);
  if (!portal) return;
  require(portal->address.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos,
          "an address is numeric");
  const auto again = split_portal(joined_portal(*portal));
  require(again == *portal, "a portal is written as it is read");
}

void check_path(std::string_view text) {
  const std::string prefix = "/dev/disk/by-path/";
  const auto told = parse_by_path(prefix + std::string(text));
  xen::attachment_of_path(prefix + std::string(text), "iqn.2026-01.vbs");
  if (!told) return;
  const auto again = parse_by_path(prefix + by_path_name(told->portal, told->target, told->lun));
  require(again && again->portal == told->portal && again->target == told->target &&
              again->lun == told->lun,
          "a link is named as it is read");
}

void check_complaint(std::string_view text, int exit_code) {
  Iscsiadm::Options options;
  options.lock_folder = "/nowhere";
  options.run = [&](const process::Command&) {
    process::Outcome outcome;
    outcome.exit_code = exit_code;
    outcome.err = text;
    return outcome;
  };
  const auto ended = Iscsiadm(options).log_out(1, SystemClock().monotonic() + Milliseconds(60'000));
  require(!ended && is_utf8(ended.error().message), "a complaint is UTF-8");
}

}  // namespace

/// What iscsiadm prints, names of portals and links, and what disks answer.
void vbs::fuzz::one_input(std::string_view input) {
  for (const DiscoveredTarget& target : parse_discovery(std::string(input))) {
    check_portal_text(joined_portal(target.portal));
    require(target.iqn.find('\n') == std::string::npos, "a name is within its line");
  }
  check_portal_text(input);
  check_path(input);
  check_complaint(input, input.empty() ? 1 : 1 + static_cast<unsigned char>(input[0]));
  require(serial_of_page(input).size() <= 255, "a serial number is within its page");
  require(!is_sense_of_no_unit(input) || input.size() > 2, "what is told is in what was read");
  require(!tells_no_unit(input) || !input.empty(), "what is told is in what was read");
}
