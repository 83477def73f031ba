#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/units.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/store/file/image_folder.h"
#include "volume_delegate/store/file/offered_images.h"
#include "volume_delegate/store/space_account.h"

namespace vbs::volume_delegate {

struct FileStoreOptions {
  std::string folder;            ///< absolute; gets volumes/, snapshots/, images/
  unsigned reserve_percent = 5;  ///< of the capacity, never promised
  bool reflink = true;           ///< use it where the file system has it
  std::uint64_t copy_bytes_per_second = 200 * kMiB;  ///< for estimates, where copies move bytes
};

/// Volumes and snapshots as sparse files of one file system.
class FileStore final : public BackingStore {
 public:
  static Result<std::unique_ptr<FileStore>> open(const FileStoreOptions& options);

  std::string name() const override { return "file"; }
  bool snapshots_need_volume() const override { return false; }
  /// Whether copies share extents here.
  bool reflink() const { return reflink_; }

  Result<StoreSpace> space() override;
  Result<StoreListing> list() override;
  Result<StoredVolume> find_volume(const Uuid& id) override;
  Result<StoredSnapshot> find_snapshot(const Uuid& id) override;
  Result<std::uint64_t> source_size(const ObjectRef& source) override;
  Result<std::unique_ptr<PreparedCopy>> prepare_empty(const Uuid& id,
                                                      std::uint64_t size_bytes) override;
  Result<std::unique_ptr<PreparedCopy>> prepare_volume(const Uuid& id, std::uint64_t size_bytes,
                                                       const ObjectRef& source) override;
  Result<std::unique_ptr<PreparedCopy>> prepare_snapshot(const Uuid& id,
                                                         const Uuid& volume) override;
  Result<Growth> grow_volume(const Uuid& id, std::uint64_t size_bytes) override;
  Result<Removal> remove_volume(const Uuid& id) override;
  Result<Removal> remove_snapshot(const Uuid& id) override;
  std::string device(const Uuid& volume) const override { return volumes_.image_path(volume); }

 private:
  FileStore(FileStoreOptions options, ImageFolder volumes, ImageFolder snapshots,
            OfferedImages images, bool reflink);

  const ImageFolder& folder(ObjectKind kind) const {
    return kind == ObjectKind::volume ? volumes_ : snapshots_;
  }
  Result<FileDescriptor> open_source(const ObjectRef& source) const;
  Result<void> open_account();
  Result<std::uint64_t> measure(const std::vector<ObjectRef>& objects) const;
  StoredVolume stored_volume(const Uuid& id, const ImageInfo& info) const;
  Result<std::unique_ptr<PreparedCopy>> prepare(const ObjectRef& object, std::uint64_t size_bytes,
                                                const ObjectRef& source,
                                                std::uint64_t source_bytes);
  Result<Removal> remove(const ObjectRef& object);

  const FileStoreOptions options_;
  const ImageFolder volumes_;
  const ImageFolder snapshots_;
  const OfferedImages images_;
  const bool reflink_;
  std::unique_ptr<SpaceAccount> account_;
};

}  // namespace vbs::volume_delegate
