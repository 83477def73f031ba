#include "vmm_delegate/thaw_process.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>

#include "common/process.h"

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kStartLimit{5'000};
constexpr int kLookAgainMs = 5;

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

ThawProcess::ThawProcess(std::string program, std::string config, std::string log_file,
                         FreezeStore store)
    : program_(std::move(program)),
      config_(std::move(config)),
      log_file_(std::move(log_file)),
      store_(std::move(store)) {}

bool ThawProcess::armed(const Uuid& freeze) {
  return LeaseLock::held(store_.lock_path(freeze));
}

Result<void> ThawProcess::arm(const Uuid& freeze) {
  if (armed(freeze)) return {};
  process::Command command;
  command.argv = {program_, "--config", config_, "--freeze", freeze.str()};
  if (auto started = process::start_detached(command, log_file_); !started) {
    return fail(started.error());
  }
  const SystemClock clock;
  const MonotonicTime deadline = clock.monotonic() + kStartLimit;
  while (!armed(freeze)) {
    if (clock.monotonic() >= deadline) {
      return fail(ErrorCode::internal,
                  "the lease helper " + program_ + " did not start; see " + log_file_);
    }
    ::poll(nullptr, 0, kLookAgainMs);
  }
  return {};
}

}  // namespace vbs::vmm_delegate
