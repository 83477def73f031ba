#pragma once

#include <cstdint>
#include <memory>

#include "common/file.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/store/file/image_folder.h"
#include "volume_delegate/store/space_account.h"

namespace vbs::volume_delegate {

/// What a new image file is made from.
struct FileCopyPlan {
  const ImageFolder* folder = nullptr;  ///< outlives the copy
  Uuid id;
  std::uint64_t size_bytes = 0;  ///< at least that of the source
  ObjectRef source;
  std::uint64_t source_bytes = 0;
  bool share = false;  ///< extents with the source
};

/// A copy that keeps its reservation once it has gone well, and leaves nothing where it has not.
std::unique_ptr<PreparedCopy> file_copy(const FileCopyPlan& plan, FileDescriptor from,
                                        SpaceReservation reservation);
/// The same for an image of zeros. `folder` outlives it.
std::unique_ptr<PreparedCopy> empty_file(const ImageFolder& folder, const Uuid& id,
                                         std::uint64_t size_bytes, SpaceReservation reservation);

}  // namespace vbs::volume_delegate
