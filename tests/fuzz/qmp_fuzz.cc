#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/peer.h"
#include "vmm_delegate/hypervisor/qemu/qemu_look.h"

namespace {

using namespace vbs;
using namespace vbs::vmm_delegate;

Result<Qmp> connect(const fuzz::Peer& qemu) {
  Qmp::Limits limits;
  limits.line_bytes = 16 * 1024;
  return Qmp::connect(qemu.path(), limits);
}

void look_at_all(Qmp& qmp) {
  const auto all = qemu::look(qmp);
  if (!all) return;
  for (const auto& [attachment, held] : *all) {
    json::Writer out;
    qemu::status_of("vm1", attachment, held).to_json(out);
    const auto status = json::parse(out.take());
    fuzz::require(status && wire::DeviceStatus::from_json(*status), "the front understands it");
  }
  qemu::is_running(qmp).has_value();
}

}  // namespace

/// What QEMU says on its monitor: the greeting, answers, events.
void vbs::fuzz::one_input(std::string_view input) {
  static Peer qemu;
  qemu.say(input);
  if (auto qmp = connect(qemu)) look_at_all(*qmp);
  if (auto qmp = connect(qemu)) {
    const auto connected = qemu::agent_connected(*qmp, "/run/vm1.qga");
    if (connected) qmp->wait_deleted("vbs-1", Milliseconds(100));
  }
}
