#pragma once

#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "common/wire/session.h"

/// Short iSCSI conversations from user space (libiscsi), each within a hard deadline and without a
/// secret outside this process. Errors as for Initiator::log_in.
namespace vbs::vmm_delegate {

/// Logs in as `initiator`, reads the unit serial number (SCSI VPD page 0x80), logs out.
Result<std::string> read_serial(const std::string& initiator, const wire::SessionSpec& session,
                                Milliseconds limit);

/// Whether something that speaks iSCSI answers at the portal and knows the target: node_unavailable
/// if not. A portal that does not tell which targets it has counts as alive.
Result<void> probe_target(const std::string& initiator, const std::string& portal,
                          const std::string& target, Milliseconds limit);

}  // namespace vbs::vmm_delegate
