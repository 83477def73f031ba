#pragma once

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

/// The whole file, at most `limit` bytes; `not_found` if absent.
Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);
/// Replaces `path` so that after a crash it holds either the old or the new text: temporary file
/// with `mode`, fsync, rename, fsync of the directory. ENOSPC gives `insufficient_space`.
Result<void> write_file_durably(const std::string& path, std::string_view text, unsigned mode);
/// fsync of a directory, after entries were made or removed.
Result<void> sync_directory(const std::string& path);
/// Unlinks and syncs the directory; absent is success.
Result<void> remove_file_durably(const std::string& path);

}  // namespace vbs
