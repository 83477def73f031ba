#include "vmm_delegate/freeze/lease_lock.h"

#include <fcntl.h>

#include <cerrno>

namespace vbs::vmm_delegate {
namespace {

/// A lock of the open file, not of the process, so that closing another descriptor keeps it.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

Result<std::optional<LeaseLock>> LeaseLock::take(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail(ErrorCode::internal, path + ": " + errno_text(errno));
  struct flock lock = whole_file();
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0) {
    return std::optional<LeaseLock>(LeaseLock(std::move(fd)));
  }
  if (errno == EAGAIN || errno == EACCES) return std::optional<LeaseLock>();
  return fail(ErrorCode::internal, path + ": " + errno_text(errno));
}

bool LeaseLock::held(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return false;
  struct flock lock = whole_file();
  return ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace vbs::vmm_delegate
