#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "vmm_delegate/initiator/kernel_sessions.h"

namespace vbs::vmm_delegate {

/// Where the kernel tells of disks and processes.
struct UserPlaces {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string dev = "/dev";
};

/// Who uses a disk or a partition of it, in words for a person: file systems, swap, device mapper
/// and the like (they hold it exclusively), Xen's backend (it opens it without a trace in /proc),
/// and other processes that have it open. An error where any of that cannot be looked at.
Result<std::vector<std::string>> users_of_disk(const ScsiDisk& disk, const UserPlaces& places = {});

}  // namespace vbs::vmm_delegate
