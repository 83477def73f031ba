#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "common/error.h"
#include "common/file.h"
#include "volume_delegate/store/backing_store.h"

namespace vbs::volume_delegate {

/// Bounds how many bytes a second all who share it move together. Thread-safe.
class Pace {
 public:
  explicit Pace(std::uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}
  /// Waits until `bytes` may be moved, or until `cancelled`.
  void wait(std::uint64_t bytes, const std::atomic<bool>& cancelled);

 private:
  const std::uint64_t bytes_per_second_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point next_{};
};

/// A block device, used past the page cache.
class BlockDevice {
 public:
  enum class Use {
    read,
    write,
    write_alone,  ///< `conflict` where a mount or another holder has claimed it
  };
  /// `internal` where `path` is not the device of that number: who keeps /dev may be behind, or
  /// dead, and the path may lead to another volume.
  static Result<BlockDevice> open(const std::string& path, Use use, dev_t number);

  Result<std::uint64_t> size() const;
  /// Both in units of 4 KiB. Lets the device do it where it can (BLKZEROOUT), else writes zeros.
  Result<void> zero(std::uint64_t begin, std::uint64_t end) const;
  /// Offset and size in units of 4 KiB; `data` is aligned to that.
  Result<void> read(char* data, std::size_t size, std::uint64_t offset) const;
  Result<void> write(const char* data, std::size_t size, std::uint64_t offset) const;
  /// What was written survives a power cut.
  Result<void> flush() const;

 private:
  BlockDevice(FileDescriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  tl::unexpected<Error> failed(const char* what, int number) const;
  Result<void> write_zeros(std::uint64_t begin, std::uint64_t end) const;

  FileDescriptor fd_;
  std::string path_;
};

/// Called now and then with how far it is; what lies before that has been flushed.
using RecordProgress = std::function<Result<void>(std::uint64_t offset)>;

/// Zeroes [begin, end) in steps. `conflict` when cancelled.
Result<void> zero_range(const BlockDevice& device, std::uint64_t begin, std::uint64_t end,
                        Pace& pace, CopyControl& control, const RecordProgress& record = {});
/// Copies the first `size` bytes; zeros are written by `zero`. `conflict` when cancelled.
Result<void> copy_range(const BlockDevice& from, const BlockDevice& to, std::uint64_t size,
                        Pace& pace, CopyControl& control);

}  // namespace vbs::volume_delegate
