#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "volume_delegate/store/file/image_folder.h"

namespace vbs::volume_delegate {

/// A folder in which an operator offers images. Nothing in it is ever changed.
///     <uuid>.img    raw; nobody has the right to write to it
///     <uuid>.name   its name in one line, if it has one
/// Everything else is foreign. Calls may come from any thread.
class OfferedImages {
 public:
  struct Listing {
    std::vector<StoredImage> images;
    std::vector<std::string> foreign;
  };

  /// Makes the folder (mode 0700) if need be.
  static Result<OfferedImages> open(const std::string& path);

  Result<Listing> scan() const;
  /// not_found, or `conflict` where somebody can write to it; both with field "source".
  Result<std::uint64_t> size(const Uuid& id) const;
  Result<FileDescriptor> open_image(const Uuid& id) const { return folder_.open_image(id); }
  /// Bytes on disk of all of them, as far as that can be told.
  std::uint64_t held_bytes() const;

 private:
  explicit OfferedImages(ImageFolder folder) : folder_(std::move(folder)) {}
  std::string name_path(const Uuid& id) const;

  ImageFolder folder_;
};

}  // namespace vbs::volume_delegate
