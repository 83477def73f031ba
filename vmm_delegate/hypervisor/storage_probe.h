#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"

namespace vbs::vmm_delegate {

/// Whether a target can be reached and still answers, without logging in to it.
using StorageProbe =
    std::function<Result<void>(const std::string& portal, const std::string& target)>;

/// Where the storage of a disk is.
struct StoragePlace {
  std::string portal;  ///< "192.0.2.1:3260"
  std::string target;  ///< the target's iSCSI name
};

/// Of a host device, as udev names it by its path:
/// "/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.2026-01.vbs:...-lun-1". Nothing for other paths.
std::optional<StoragePlace> storage_place(std::string_view path);

/// To be asked before a disk is taken away: a hypervisor stands still, and its guest with it, while
/// it waits for the requests of a disk whose storage is dead. node_unavailable when it is. An empty
/// probe or place says nothing.
Result<void> check_storage(const StorageProbe& probe, const StoragePlace& place);

}  // namespace vbs::vmm_delegate
