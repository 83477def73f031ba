#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"
#include "volume_delegate/store/backing_store.h"

namespace vbs::volume_delegate {

/// Copies the first `size` bytes of one file onto an empty one that already has its size, data
/// only: holes stay holes (SEEK_DATA, copy_file_range). Both must be on one file system. Errors:
/// conflict when cancelled, insufficient_space when the disk is full. Does not sync.
Result<void> copy_sparse(int from, int to, std::uint64_t size, CopyControl& control);

/// Lets `to`, an empty file, share all extents of `from` (FICLONE).
Result<void> share_extents(int from, int to);

/// Whether files of this folder can share extents, tried on two files of 4 KiB.
Result<bool> can_share_extents(const std::string& folder);

}  // namespace vbs::volume_delegate
