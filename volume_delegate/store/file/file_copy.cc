#include "volume_delegate/store/file/file_copy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "common/fault_point.h"
#include "common/units.h"
#include "volume_delegate/store/file/sparse_copy.h"

namespace vbs::volume_delegate {

namespace {

Result<void> set_size(const FileDescriptor& image, std::uint64_t size_bytes) {
  if (::ftruncate(image.get(), static_cast<off_t>(size_bytes)) == 0) return {};
  const int number = errno;
  return fail(
      number == EFBIG || number == ENOSPC ? ErrorCode::insufficient_space : ErrorCode::internal,
      "cannot make a file of " + format_size(size_bytes) + ": " + errno_text(number));
}

/// Of the contents. The kernel takes it from its tick, some milliseconds long (inode(7)).
Result<std::pair<std::time_t, long>> last_write(const FileDescriptor& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) == 0) {
    return std::pair(status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  return fail(ErrorCode::internal, "cannot look at a source: " + errno_text(errno));
}

class FileCopy final : public PreparedCopy {
 public:
  FileCopy(FileCopyPlan plan, FileDescriptor from, SpaceReservation reservation)
      : plan_(plan), from_(std::move(from)), reservation_(std::move(reservation)) {}

  std::uint64_t size_bytes() const override { return plan_.size_bytes; }
  bool at_once() const override { return plan_.share; }

  Result<void> run(CopyControl& control) override {
    auto done = make(control);
    if (!done) {
      plan_.folder->discard_partial(plan_.id);
      reservation_ = SpaceReservation();
      return done;
    }
    reservation_.keep();
    return {};
  }

 private:
  Result<void> make(CopyControl& control) const {
    auto image = plan_.folder->make_partial(plan_.id);
    if (!image) return fail(image.error());
    fault_point("volumed.copy.before_act");
    if (auto filled = fill(*image, control); !filled) return filled;
    fault_point("volumed.copy.after_act");
    return plan_.folder->publish(plan_.id, *image, plan_.source);
  }

  Result<void> fill(const FileDescriptor& image, CopyControl& control) const {
    if (plan_.share) {
      if (auto shared = share_extents(from_.get(), image.get()); !shared) return shared;
      control.copied_bytes = plan_.source_bytes;
      return set_size(image, plan_.size_bytes);
    }
    if (auto sized = set_size(image, plan_.size_bytes); !sized) return sized;
    const auto before = last_write(from_);
    if (!before) return fail(before.error());
    if (auto copied = copy_sparse(from_.get(), image.get(), plan_.source_bytes, control); !copied) {
      return copied;
    }
    const auto after = last_write(from_);
    if (!after) return fail(after.error());
    if (*after == *before) return {};
    // Whoever was to hold its writer still did not, or nobody knew that there is one.
    return fail(ErrorCode::conflict, plan_.source.str() +
                                         " was written to while it was copied: the copy would be"
                                         " of no moment, and is given up; try again");
  }

  const FileCopyPlan plan_;
  FileDescriptor from_;
  SpaceReservation reservation_;
};

class EmptyFile final : public PreparedCopy {
 public:
  EmptyFile(const ImageFolder& folder, const Uuid& id, std::uint64_t size_bytes,
            SpaceReservation reservation)
      : folder_(folder), id_(id), size_bytes_(size_bytes), reservation_(std::move(reservation)) {}

  std::uint64_t size_bytes() const override { return size_bytes_; }
  bool at_once() const override { return true; }

  Result<void> run(CopyControl& control) override {
    auto image = folder_.make_partial(id_);
    if (!image) return fail(image.error());
    auto done = set_size(*image, size_bytes_);
    if (done) done = folder_.publish(id_, *image, std::nullopt);
    if (!done) {
      folder_.discard_partial(id_);
      reservation_ = SpaceReservation();
      return done;
    }
    control.copied_bytes = size_bytes_;
    reservation_.keep();
    return {};
  }

 private:
  const ImageFolder& folder_;
  const Uuid id_;
  const std::uint64_t size_bytes_;
  SpaceReservation reservation_;
};

}  // namespace

std::unique_ptr<PreparedCopy> file_copy(const FileCopyPlan& plan, FileDescriptor from,
                                        SpaceReservation reservation) {
  return std::make_unique<FileCopy>(plan, std::move(from), std::move(reservation));
}

std::unique_ptr<PreparedCopy> empty_file(const ImageFolder& folder, const Uuid& id,
                                         std::uint64_t size_bytes, SpaceReservation reservation) {
  return std::make_unique<EmptyFile>(folder, id, size_bytes, std::move(reservation));
}

}  // namespace vbs::volume_delegate
