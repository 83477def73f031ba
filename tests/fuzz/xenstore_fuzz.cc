#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/peer.h"
#include "vmm_delegate/hypervisor/xen/xen_look.h"
#include "vmm_delegate/hypervisor/xen/xen_names.h"
#include "vmm_delegate/hypervisor/xen/xenstore.h"

namespace {

using namespace vbs;
using namespace vbs::vmm_delegate;

constexpr Milliseconds kLimit{5'000};

void check_disks(const fuzz::Peer& xenstored) {
  auto store = Xenstore::connect(xenstored.path(), kLimit);
  if (!store) return;
  const auto disks = xen::vbds_of(*store, 1);
  if (!disks) return;
  const xen::Sysfs sysfs("/nowhere");
  for (const xen::Vbd& vbd : *disks) {
    fuzz::require(!(vbd.complete() && vbd.releasing()), "what is complete is not on its way out");
    fuzz::require(sysfs.serial(vbd).empty() && !sysfs.sectors(vbd), "nothing is nowhere");
    xen::guest_device(vbd.disk.device);
  }
}

}  // namespace

/// What xenstored answers.
void vbs::fuzz::one_input(std::string_view input) {
  static Peer xenstored;
  xenstored.say(input);
  check_disks(xenstored);
  if (auto store = Xenstore::connect(xenstored.path(), kLimit)) {
    const auto id = xen::domain_id(*store, "vm1");
    require(!id || !*id || **id > 0, "a VM is not domain 0");
  }
}
