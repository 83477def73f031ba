#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "common/error.h"

namespace vbs {

/// Owns one file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

/// Ends the name of the file that write_file_durably works on; a crash may leave one behind, which
/// whoever lists the directory skips and the next write of that path removes.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

/// The whole file, at most `limit` bytes; `not_found` if absent, `request_too_large` if longer.
Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);
/// Replaces `path` so that after a crash it holds either the old or the new text: temporary file
/// with `mode`, fsync, rename, fsync of the directory. ENOSPC gives `insufficient_space`. One
/// writer a path at a time.
Result<void> write_file_durably(const std::string& path, std::string_view text, unsigned mode);
/// fsync of a directory, after entries were made or removed.
Result<void> sync_directory(const std::string& path);
/// Unlinks and syncs the directory; absent is success.
Result<void> remove_file_durably(const std::string& path);

}  // namespace vbs
