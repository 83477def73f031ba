#include "vmm_delegate/initiator/vm_initiator.h"

#include "common/text.h"
#include "common/volume_serial.h"
#include "vmm_delegate/initiator/iscsi_login.h"

namespace vbs::vmm_delegate {

VmInitiator::VmInitiator(std::string name, Milliseconds limit)
    : name_(std::move(name)), limit_(limit) {}

Result<wire::SessionStatus> VmInitiator::log_in(const Uuid& attachment,
                                                const wire::SessionSpec& session) {
  auto serial = read_serial(name_, session, limit_);
  if (!serial) return fail(serial.error());
  if (!is_volume_serial(*serial, session.volume)) {
    return fail(ErrorCode::conflict, "logical unit " + std::to_string(session.lun) + " of target " +
                                         session.iqn + " has the serial " + quote(*serial) +
                                         ", not the volume's " + session.volume.str());
  }
  return wire::SessionStatus{attachment, session.volume.str(), "", session.generation};
}

Result<wire::SessionStatus> VmInitiator::refresh_size(const Uuid& attachment,
                                                      const wire::SessionSpec& session) {
  return wire::SessionStatus{attachment, session.volume.str(), "", session.generation};
}

Result<void> VmInitiator::prove_shown(const Uuid&, const wire::SessionSpec&) {
  return {};
}

Result<void> VmInitiator::log_out(const Uuid&) {
  return {};
}

Result<std::vector<wire::SessionStatus>> VmInitiator::sessions() {
  return std::vector<wire::SessionStatus>();
}

}  // namespace vbs::vmm_delegate
