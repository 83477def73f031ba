#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "common/ids.h"
#include "volume_delegate/store/backing_store.h"

namespace vbs::volume_delegate {

struct ImageInfo {
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0;
  bool read_only = false;  ///< nobody has the right to write to it
  std::optional<ObjectRef> source;
};

/// One folder of image files:
///     <uuid>.img          the object; it has this name only once it is complete and on disk
///     <uuid>.img.partial  being made; swept away at start
///     <uuid>.source       for a copy: "snapshot <uuid>\n", likewise of a volume or an image;
///     written
///                         before the image gets its name and removed after it, so every named copy
///                         has one
/// Everything else is foreign. Calls about different ids may come from any thread.
class ImageFolder {
 public:
  struct Listing {
    std::map<Uuid, ImageInfo> images;
    std::vector<std::string> foreign;
  };

  enum class Leftovers { sweep, leave };
  /// Makes the folder (mode 0700) if need be and sweeps what a crash left half-made, unless others
  /// make things in it.
  static Result<ImageFolder> open(const std::string& path, Leftovers left = Leftovers::sweep);

  std::string image_path(const Uuid& id) const;
  /// not_found unless there is a regular file of that name.
  Result<ImageInfo> find(const Uuid& id) const;
  Result<FileDescriptor> open_image(const Uuid& id) const;
  Result<Listing> scan() const;
  /// Bytes on disk of the image, or of what is there of it yet; 0 if nothing is.
  std::uint64_t held_bytes(const Uuid& id) const;

  /// An empty image under its temporary name, mode 0600.
  Result<FileDescriptor> make_partial(const Uuid& id) const;
  /// Syncs it and gives it its name, durably.
  Result<void> publish(const Uuid& id, const FileDescriptor& image,
                       const std::optional<ObjectRef>& source) const;
  void discard_partial(const Uuid& id) const;
  /// Makes the image larger, durably; the bytes that come with it read as zeros. Never smaller.
  Result<void> extend(const Uuid& id, std::uint64_t size_bytes) const;
  /// The file system never shows the bytes of an unlinked file to anybody else. Absent is success.
  Result<void> remove(const Uuid& id) const;

 private:
  explicit ImageFolder(std::string path) : path_(std::move(path)) {}
  Result<std::vector<std::string>> names() const;
  Result<void> sweep() const;
  std::string partial_path(const Uuid& id) const;
  std::string source_path(const Uuid& id) const;
  std::optional<ObjectRef> source_of(const Uuid& id) const;

  std::string path_;
};

}  // namespace vbs::volume_delegate
