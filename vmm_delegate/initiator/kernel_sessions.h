#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "vmm_delegate/initiator/iscsi_names.h"

namespace vbs::vmm_delegate {

/// One logical unit that the kernel knows.
struct ScsiDisk {
  std::string address;    ///< "2:0:0:1": host, channel, target, logical unit
  std::uint32_t lun = 0;  ///< the last of them
  std::string block;      ///< "sda"; "" while it is no disk yet, and where it never becomes one
  unsigned major = 0;
  unsigned minor = 0;
  std::uint64_t size_bytes = 0;
  std::string known_serial;  ///< what the kernel read when the disk appeared; "" if it did not
};

/// One session of the kernel's initiator, as the iSCSI transport class of Linux shows it.
struct KernelSession {
  std::uint64_t sid = 0;  ///< never used again before a restart
  unsigned host = 0;      ///< its SCSI host; software iSCSI has one a session
  std::string target;
  std::string interface;
  std::string state;  ///< "LOGGED_IN", "FAILED" (it is being tried again) or "FREE"
  PortalAddress portal;
  std::uint32_t portal_group = 1;
  std::vector<ScsiDisk> disks;

  /// nullptr when there is none.
  const ScsiDisk* disk(std::uint32_t lun) const;
  bool is_logged_in() const { return state == "LOGGED_IN"; }
};

/// Reads sessions and their disks from sysfs, where neither a command nor the target is waited for.
/// Stateless.
class KernelSessions {
 public:
  /// `sysfs` is "/sys".
  explicit KernelSessions(std::string sysfs) : sysfs_(std::move(sysfs)) {}

  /// All sessions of the host. One that goes away meanwhile may be missing.
  Result<std::vector<KernelSession>> list() const;
  /// Neither the session nor a block device of it is there.
  Result<bool> is_gone(std::uint64_t sid) const;

 private:
  const std::string sysfs_;
};

}  // namespace vbs::vmm_delegate
