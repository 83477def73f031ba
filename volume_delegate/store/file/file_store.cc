#include "volume_delegate/store/file/file_store.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "common/fault_point.h"
#include "volume_delegate/store/file/file_copy.h"
#include "volume_delegate/store/file/sparse_copy.h"

namespace vbs::volume_delegate {
namespace {

/// What a copy costs beside its bytes: making, syncing and renaming a file.
constexpr std::int64_t kCopyOverheadMs = 20;

/// Entries of the store's folder itself that are not its own.
std::vector<std::string> foreign_entries(const std::string& folder) {
  std::vector<std::string> out;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    const bool expected = name == "." || name == ".." || name == "volumes" || name == "snapshots" ||
                          name == "images" ||
                          name == "lost+found";  // every ext4 file system has it
    if (!expected) out.push_back(folder + "/" + std::string(name));
  }
  return out;
}

}  // namespace

FileStore::FileStore(FileStoreOptions options, ImageFolder volumes, ImageFolder snapshots,
                     OfferedImages images, bool reflink)
    : options_(std::move(options)),
      volumes_(std::move(volumes)),
      snapshots_(std::move(snapshots)),
      images_(std::move(images)),
      reflink_(reflink) {}

Result<std::unique_ptr<FileStore>> FileStore::open(const FileStoreOptions& options) {
  if (::access(options.folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    return fail(ErrorCode::internal,
                "cannot use folder " + options.folder + ": " + errno_text(errno));
  }
  auto volumes = ImageFolder::open(options.folder + "/volumes");
  if (!volumes) return fail(volumes.error());
  auto snapshots = ImageFolder::open(options.folder + "/snapshots");
  if (!snapshots) return fail(snapshots.error());
  auto images = OfferedImages::open(options.folder + "/images");
  if (!images) return fail(images.error());
  bool reflink = false;
  if (options.reflink) {
    auto probed = can_share_extents(options.folder + "/volumes");
    if (!probed) return fail(probed.error());
    reflink = *probed;
  }
  std::unique_ptr<FileStore> store(new FileStore(
      options, std::move(*volumes), std::move(*snapshots), std::move(*images), reflink));
  if (auto opened = store->open_account(); !opened) return fail(opened.error());
  return store;
}

Result<void> FileStore::open_account() {
  std::map<ObjectRef, std::uint64_t> existing;
  for (const ObjectKind kind : {ObjectKind::volume, ObjectKind::snapshot}) {
    auto listing = folder(kind).scan();
    if (!listing) return fail(listing.error());
    for (const auto& [id, info] : listing->images) existing[ObjectRef{kind, id}] = info.size_bytes;
  }
  auto account = SpaceAccount::open(
      std::move(existing), options_.reserve_percent,
      [this](const std::vector<ObjectRef>& objects) { return measure(objects); });
  if (!account) return fail(account.error());
  account_ = std::move(*account);
  return {};
}

Result<std::uint64_t> FileStore::measure(const std::vector<ObjectRef>& objects) const {
  struct statvfs system {};
  if (::statvfs(options_.folder.c_str(), &system) != 0) {
    return fail(ErrorCode::internal,
                "cannot measure the file system of " + options_.folder + ": " + errno_text(errno));
  }
  std::uint64_t held = 0;
  for (const auto& object : objects) held += folder(object.kind).held_bytes(object.id);
  // Extents that files share are counted once for each file in `held`; the file system's own count
  // of what is used is the upper limit. What images hold stays theirs, whoever shares it.
  const std::uint64_t used = (system.f_blocks - system.f_bfree) * system.f_frsize;
  const std::uint64_t ours = used - std::min(used, images_.held_bytes());
  return std::min(held, ours) + system.f_bavail * system.f_frsize;
}

Result<StoreSpace> FileStore::space() {
  return account_->space();
}

StoredVolume FileStore::stored_volume(const Uuid& id, const ImageInfo& info) const {
  StoredVolume volume{id, info.size_bytes, info.allocated_bytes, 0, info.source};
  if (!reflink_) {
    const std::uint64_t ms = info.allocated_bytes * 1000 / options_.copy_bytes_per_second;
    volume.snapshot_estimate_ms = static_cast<std::int64_t>(ms) + kCopyOverheadMs;
  }
  return volume;
}

Result<StoreListing> FileStore::list() {
  auto volumes = volumes_.scan();
  if (!volumes) return fail(volumes.error());
  auto snapshots = snapshots_.scan();
  if (!snapshots) return fail(snapshots.error());
  auto images = images_.scan();
  if (!images) return fail(images.error());

  StoreListing listing;
  std::map<ObjectRef, std::uint64_t> present;
  listing.foreign = foreign_entries(options_.folder);
  for (const auto* foreign : {&volumes->foreign, &snapshots->foreign, &images->foreign})
    listing.foreign.insert(listing.foreign.end(), foreign->begin(), foreign->end());
  listing.images = std::move(images->images);
  for (const auto& [id, info] : volumes->images) {
    listing.volumes.push_back(stored_volume(id, info));
    present[ObjectRef{ObjectKind::volume, id}] = info.size_bytes;
  }
  for (const auto& [id, info] : snapshots->images) {
    present[ObjectRef{ObjectKind::snapshot, id}] = info.size_bytes;
    if (info.source && info.source->kind == ObjectKind::volume) {
      listing.snapshots.push_back({id, info.source->id, info.size_bytes, false});
    } else {
      listing.foreign.push_back(snapshots_.image_path(id) +
                                " (its .source file is missing or damaged)");
    }
  }
  account_->reconcile(present, [this](const ObjectRef& object) {
    return !folder(object.kind).find(object.id).has_value();
  });
  return listing;
}

Result<StoredVolume> FileStore::find_volume(const Uuid& id) {
  auto info = volumes_.find(id);
  if (!info) return fail(info.error());
  return stored_volume(id, *info);
}

Result<StoredSnapshot> FileStore::find_snapshot(const Uuid& id) {
  auto info = snapshots_.find(id);
  if (!info) return fail(info.error());
  if (!info->source || info->source->kind != ObjectKind::volume) {
    return fail(ErrorCode::internal,
                snapshots_.image_path(id) + " does not say of which volume it is");
  }
  return StoredSnapshot{id, info->source->id, info->size_bytes, false};
}

Result<std::uint64_t> FileStore::source_size(const ObjectRef& source) {
  if (source.kind == ObjectKind::image) return images_.size(source.id);
  auto info = folder(source.kind).find(source.id);
  if (info) return info->size_bytes;
  if (info.error().code != ErrorCode::not_found) return fail(info.error());
  return fail(Error{
      ErrorCode::not_found, "there is no " + source.str() + " on this server", "source", {}, {}});
}

Result<FileDescriptor> FileStore::open_source(const ObjectRef& source) const {
  if (source.kind == ObjectKind::image) return images_.open_image(source.id);
  return folder(source.kind).open_image(source.id);
}

Result<std::unique_ptr<PreparedCopy>> FileStore::prepare_empty(const Uuid& id,
                                                               std::uint64_t size_bytes) {
  auto reservation = account_->reserve(ObjectRef{ObjectKind::volume, id}, size_bytes);
  if (!reservation) return fail(reservation.error());
  return empty_file(volumes_, id, size_bytes, std::move(*reservation));
}

Result<std::unique_ptr<PreparedCopy>> FileStore::prepare_volume(const Uuid& id,
                                                                std::uint64_t size_bytes,
                                                                const ObjectRef& source) {
  auto source_bytes = source_size(source);
  if (!source_bytes) return fail(source_bytes.error());
  if (size_bytes < *source_bytes) {
    return fail_field("size_bytes", "must be at least the size of its source, " +
                                        std::to_string(*source_bytes) + " bytes");
  }
  return prepare({ObjectKind::volume, id}, size_bytes, source, *source_bytes);
}

Result<std::unique_ptr<PreparedCopy>> FileStore::prepare_snapshot(const Uuid& id,
                                                                  const Uuid& volume) {
  const ObjectRef source{ObjectKind::volume, volume};
  auto source_bytes = source_size(source);
  if (!source_bytes) return fail(source_bytes.error());
  return prepare({ObjectKind::snapshot, id}, *source_bytes, source, *source_bytes);
}

Result<std::unique_ptr<PreparedCopy>> FileStore::prepare(const ObjectRef& object,
                                                         std::uint64_t size_bytes,
                                                         const ObjectRef& source,
                                                         std::uint64_t source_bytes) {
  auto from = open_source(source);
  if (!from) return fail(from.error());
  auto reservation = account_->reserve(object, size_bytes);
  if (!reservation) return fail(reservation.error());
  return file_copy(
      FileCopyPlan{&folder(object.kind), object.id, size_bytes, source, source_bytes, reflink_},
      std::move(*from), std::move(*reservation));
}

Result<Growth> FileStore::grow_volume(const Uuid& id, std::uint64_t size_bytes) {
  auto held = volumes_.find(id);
  if (!held) return fail(held.error());
  if (held->size_bytes > size_bytes) return cannot_shrink(id, held->size_bytes);
  if (held->size_bytes == size_bytes) return Growth{};
  const ObjectRef object{ObjectKind::volume, id};
  if (auto reserved = account_->extend(object, size_bytes); !reserved) {
    return fail(reserved.error());
  }
  fault_point("volumed.grow.before_act");
  auto grown = volumes_.extend(id, size_bytes);
  if (grown) return Growth{};
  account_->give_back(object, held->size_bytes);
  return fail(grown.error());
}

Result<Removal> FileStore::remove(const ObjectRef& object) {
  if (auto removed = folder(object.kind).remove(object.id); !removed) return fail(removed.error());
  account_->release(object);
  return Removal{};
}

Result<Removal> FileStore::remove_volume(const Uuid& id) {
  return remove({ObjectKind::volume, id});
}
Result<Removal> FileStore::remove_snapshot(const Uuid& id) {
  return remove({ObjectKind::snapshot, id});
}

}  // namespace vbs::volume_delegate
