#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "common/wire/session.h"

namespace vbs::vmm_delegate {

/// Who logs in to exports on this node. Thread-safe; bounded in time.
class Initiator {
 public:
  virtual ~Initiator() = default;

  /// Whether this host logs in, and VMs are shown its devices; else VMs log in themselves.
  virtual bool is_host() const = 0;

  /// Makes sure that the export can be used by the VM's path, and proves it: the serial number read
  /// back through a login is the volume's UUID. Where the host logs in, the session stays; again
  /// with a session that is there is harmless.
  ///
  /// Errors: node_unavailable (the portal cannot be reached or does not answer), forbidden (CHAP is
  /// refused), not_found (no such target for this initiator, or no such logical unit), conflict
  /// (the logical unit is another volume), timeout.
  virtual Result<wire::SessionStatus> log_in(const Uuid& attachment,
                                             const wire::SessionSpec& session) = 0;
  /// Makes the host's device of the session show the size that its target shows now; the status
  /// tells it. Success where it does already, and where VMs log in themselves there is nothing to
  /// do. not_found where the host has no such session; else errors as of `log_in`.
  virtual Result<wire::SessionStatus> refresh_size(const Uuid& attachment,
                                                   const wire::SessionSpec& session) = 0;
  /// Of a session whose disk has just been shown to a VM by its path: asks the disk anew, and
  /// proves that it is the volume, that the path leads to it, and that somebody uses it. Success
  /// where VMs log in themselves. conflict where any of that is not so; not_found where there is no
  /// such session or disk; else errors as of `log_in`.
  virtual Result<void> prove_shown(const Uuid& attachment, const wire::SessionSpec& session) = 0;
  /// Success when there is no session. conflict while anybody on this host uses the session's disk
  /// (whoever has it open, and what the kernel has built on it): nobody else need have looked.
  virtual Result<void> log_out(const Uuid& attachment) = 0;
  /// Tries to get back what this host has lost, be it when it started or since, and removes what is
  /// left of what it does not get back; at once where there is nothing, or the last try was a
  /// moment ago. For one caller at a time, about once a second.
  virtual void bring_back() = 0;
  /// The sessions of this host; none where VMs have their own initiator.
  virtual Result<std::vector<wire::SessionStatus>> sessions() = 0;
};

}  // namespace vbs::vmm_delegate
