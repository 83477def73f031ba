#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

namespace vbs {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

tl::unexpected<Error> file_error(std::string_view act, const std::string& path, int number) {
  ErrorCode code = ErrorCode::internal;
  if (number == ENOENT) code = ErrorCode::not_found;
  if (number == ENOSPC || number == EDQUOT) code = ErrorCode::insufficient_space;
  return fail(code, "cannot " + std::string(act) + " " + path + ": " + errno_text(number));
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int open_retrying(const std::string& path, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// 0 or the errno value.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// Makes the file new, with these bytes and this mode on the disk; 0 or the errno value.
int write_new_file(const std::string& path, std::string_view text, mode_t mode) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno;
  FileDescriptor file(open_retrying(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  if (!file) return errno;
  if (::fchmod(file.get(), mode) != 0) return errno;  // whatever the umask says
  if (const int number = write_all(file.get(), text); number != 0) return number;
  if (::fsync(file.get()) != 0) return errno;
  // Some file systems report a full disk only here.
  return ::close(file.release()) == 0 ? 0 : errno;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::reset() {
  // Not again after EINTR: on Linux the descriptor is gone by then.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const FileDescriptor file(open_retrying(path, O_RDONLY));
  if (!file) return file_error("open", path, errno);
  std::string text;
  std::array<char, kChunk> buffer{};
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("read", path, errno);
    if (got == 0) return text;
    if (text.size() + static_cast<std::size_t>(got) > limit) {
      return fail(ErrorCode::request_too_large,
                  path + " is larger than " + std::to_string(limit) + " bytes");
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<void> write_file_durably(const std::string& path, std::string_view text, unsigned mode) {
  const std::string temporary = path + std::string(kTemporarySuffix);
  int number = write_new_file(temporary, text, mode);
  if (number == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) number = errno;
  if (number != 0) {
    ::unlink(temporary.c_str());
    return file_error("write", path, number);
  }
  return sync_directory(directory_of(path));
}

Result<void> sync_directory(const std::string& path) {
  const FileDescriptor directory(open_retrying(path, O_RDONLY | O_DIRECTORY));
  if (!directory) return file_error("open directory", path, errno);
  if (::fsync(directory.get()) != 0) return file_error("sync directory", path, errno);
  return {};
}

Result<void> remove_file_durably(const std::string& path) {
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return file_error("remove", path, errno);
  }
  return sync_directory(directory_of(path));
}

}  // namespace vbs
