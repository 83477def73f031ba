#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "vmm_delegate/initiator/kernel_sessions.h"

namespace vbs::vmm_delegate {

/// What is asked of the kernel's SCSI layer about one host or one disk. Requests that wait for the
/// target end after `limit` with a timeout; what they began goes on in the kernel. Thread-safe.
class ScsiLayer {
 public:
  virtual ~ScsiLayer() = default;

  /// Lets one logical unit of the host's target become a device, and no other.
  virtual Result<void> scan(unsigned host, std::uint32_t lun, Milliseconds limit) = 0;
  /// The serial number, asked of the target now. conflict when the block device of that name is not
  /// the disk any more; not_found when the target says that it has no such logical unit.
  virtual Result<std::string> serial(const ScsiDisk& disk, Milliseconds limit) = 0;
  /// Whether the path, a link or a node, leads to the disk.
  virtual bool is_at(const ScsiDisk& disk, const std::string& path) = 0;
  /// Everything written to the disk is on the target, on stable storage.
  virtual Result<void> flush(const ScsiDisk& disk, Milliseconds limit) = 0;
  /// Who uses the disk or a partition of it, in words for a person; empty when nobody does.
  virtual Result<std::vector<std::string>> users(const ScsiDisk& disk) = 0;
  /// The device is gone. Success when it is already.
  virtual Result<void> remove(const ScsiDisk& disk, Milliseconds limit) = 0;
  /// The kernel asks the target for its size.
  virtual Result<void> rescan(const ScsiDisk& disk, Milliseconds limit) = 0;
};

/// The kernel of this machine.
std::unique_ptr<ScsiLayer> make_kernel_scsi_layer();

}  // namespace vbs::vmm_delegate
