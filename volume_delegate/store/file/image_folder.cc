#include "volume_delegate/store/file/image_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "common/fault_point.h"
#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::string_view kImage = ".img";
constexpr std::string_view kPartial = ".img.partial";
constexpr std::string_view kSource = ".source";
/// A .source file whose writing was cut short.
const std::string kSourceBeingWritten = std::string(kSource) + std::string(kTemporarySuffix);
constexpr std::uint64_t kStatBlock = 512;  // st_blocks counts these, whatever the file system
constexpr std::size_t kSourceLimit = 128;
constexpr mode_t kAnyWrites = S_IWUSR | S_IWGRP | S_IWOTH;

tl::unexpected<Error> file_error(const std::string& doing, int number) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return fail(full ? ErrorCode::insufficient_space : ErrorCode::internal,
              "cannot " + doing + ": " + errno_text(number));
}

/// The id in "<uuid><suffix>", in canonical form only: one object has one name.
std::optional<Uuid> id_in(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  const auto id = Uuid::parse(name);
  return id && id->str() == name ? id : std::nullopt;
}

}  // namespace

Result<ImageFolder> ImageFolder::open(const std::string& path, Leftovers left) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return file_error("make folder " + path, errno);
  }
  ImageFolder folder(path);
  if (left == Leftovers::leave) return folder;
  if (auto swept = folder.sweep(); !swept) return fail(swept.error());
  return folder;
}

std::string ImageFolder::image_path(const Uuid& id) const {
  return path_ + "/" + id.str() + std::string(kImage);
}
std::string ImageFolder::partial_path(const Uuid& id) const {
  return path_ + "/" + id.str() + std::string(kPartial);
}
std::string ImageFolder::source_path(const Uuid& id) const {
  return path_ + "/" + id.str() + std::string(kSource);
}

Result<std::vector<std::string>> ImageFolder::names() const {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path_.c_str()), ::closedir);
  if (!dir) return file_error("read folder " + path_, errno);
  std::vector<std::string> out;
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") out.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return file_error("read folder " + path_, errno);
  return out;
}

Result<void> ImageFolder::sweep() const {
  auto all = names();
  if (!all) return fail(all.error());
  for (const auto& name : *all) {
    if (const auto id = id_in(name, kPartial)) discard_partial(*id);
    if (id_in(name, kSourceBeingWritten)) ::unlink((path_ + "/" + name).c_str());
    const auto id = id_in(name, kSource);
    if (id && ::access(image_path(*id).c_str(), F_OK) != 0 && errno == ENOENT) {
      ::unlink(source_path(*id).c_str());
    }
  }
  return sync_directory(path_);
}

Result<ImageInfo> ImageFolder::find(const Uuid& id) const {
  struct stat status {};
  const std::string path = image_path(id);
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return fail(ErrorCode::not_found, path + " is not there");
    return file_error("look at " + path, errno);
  }
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::not_found, path + " is no regular file");
  return ImageInfo{static_cast<std::uint64_t>(status.st_size),
                   static_cast<std::uint64_t>(status.st_blocks) * kStatBlock,
                   (status.st_mode & kAnyWrites) == 0, source_of(id)};
}

std::optional<ObjectRef> ImageFolder::source_of(const Uuid& id) const {
  const auto text = read_file(source_path(id), kSourceLimit);
  if (!text) return std::nullopt;
  for (const ObjectKind kind : {ObjectKind::volume, ObjectKind::snapshot, ObjectKind::image}) {
    const std::string prefix = std::string(to_string(kind)) + " ";
    if (!text->starts_with(prefix) || !text->ends_with('\n')) continue;
    const auto source = Uuid::parse(
        std::string_view(*text).substr(prefix.size(), text->size() - prefix.size() - 1));
    if (source) return ObjectRef{kind, *source};
  }
  return std::nullopt;
}

Result<FileDescriptor> ImageFolder::open_image(const Uuid& id) const {
  const std::string path = image_path(id);
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return file_error("open " + path, errno);
  return fd;
}

Result<ImageFolder::Listing> ImageFolder::scan() const {
  auto all = names();
  if (!all) return fail(all.error());
  Listing listing;
  for (const auto& name : *all) {
    if (id_in(name, kPartial) || id_in(name, kSource) || id_in(name, kSourceBeingWritten)) continue;
    if (const auto id = id_in(name, kImage)) {
      if (auto info = find(*id)) {
        listing.images.emplace(*id, *info);
        continue;
      }
      if (::access((path_ + "/" + name).c_str(), F_OK) != 0) continue;  // removed just now
    }
    listing.foreign.push_back(path_ + "/" + name);
  }
  return listing;
}

std::uint64_t ImageFolder::held_bytes(const Uuid& id) const {
  struct stat status {};
  if (::lstat(image_path(id).c_str(), &status) != 0 &&
      ::lstat(partial_path(id).c_str(), &status) != 0) {
    return 0;
  }
  return static_cast<std::uint64_t>(status.st_blocks) * kStatBlock;
}

Result<FileDescriptor> ImageFolder::make_partial(const Uuid& id) const {
  const std::string path = partial_path(id);
  discard_partial(id);
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return file_error("make " + path, errno);
  return fd;
}

Result<void> ImageFolder::publish(const Uuid& id, const FileDescriptor& image,
                                  const std::optional<ObjectRef>& source) const {
  if (::fsync(image.get()) != 0) return file_error("sync " + partial_path(id), errno);
  if (source) {
    if (auto ok = write_file_durably(source_path(id), source->str() + "\n", 0600); !ok) return ok;
  }
  fault_point("volumed.store.before_rename");
  if (::renameat2(AT_FDCWD, partial_path(id).c_str(), AT_FDCWD, image_path(id).c_str(),
                  RENAME_NOREPLACE) != 0) {
    const int number = errno;
    if (number == EEXIST) return fail(ErrorCode::already_exists, image_path(id) + " exists");
    return file_error("rename " + partial_path(id), number);
  }
  fault_point("volumed.store.after_rename");
  return sync_directory(path_);
}

void ImageFolder::discard_partial(const Uuid& id) const {
  ::unlink(partial_path(id).c_str());
}

Result<void> ImageFolder::extend(const Uuid& id, std::uint64_t size_bytes) const {
  const std::string path = image_path(id);
  const FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return file_error("open " + path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return file_error("look at " + path, errno);
  const auto held = static_cast<std::uint64_t>(status.st_size);
  if (held > size_bytes) return cannot_shrink(id, held);
  if (::ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0) {
    return file_error("extend " + path + " to " + format_size(size_bytes), errno);
  }
  fault_point("volumed.grow.after_act");
  if (::fsync(fd.get()) != 0) return file_error("sync " + path, errno);
  return {};
}

Result<void> ImageFolder::remove(const Uuid& id) const {
  const std::string path = image_path(id);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_error("remove " + path, errno);
  fault_point("volumed.store.after_unlink");
  if (::unlink(source_path(id).c_str()) != 0 && errno != ENOENT) {
    return file_error("remove " + source_path(id), errno);
  }
  return sync_directory(path_);
}

}  // namespace vbs::volume_delegate
