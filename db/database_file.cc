#include "db/database_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/log.h"

namespace vbs::db {
namespace {

constexpr mode_t kOwnerOnly = 0600;

tl::unexpected<Error> unavailable(std::string message) {
  return fail(ErrorCode::database_unavailable, std::move(message));
}

std::string directory_of(const std::string& path) {
  auto directory = std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

Result<void> check_directory(const std::string& path) {
  const std::string directory = directory_of(path);
  struct stat status {};
  if (stat(directory.c_str(), &status) != 0) {
    return unavailable("the database's directory " + directory + ": " + errno_text(errno) +
                       "; make it, owned by the service's user");
  }
  if (!S_ISDIR(status.st_mode)) {
    return unavailable("the database's directory " + directory + " is not a directory");
  }
  return {};
}

/// The process id in the lock file; "" if there is none to be read.
std::string holder_of(int fd) {
  char text[16];
  const ssize_t length = pread(fd, text, sizeof(text), 0);
  if (length <= 0) return {};
  std::string_view digits(text, static_cast<std::size_t>(length));
  return std::string(digits.substr(0, digits.find_first_not_of("0123456789")));
}

Result<void> note_holder(int fd, const std::string& lock_path) {
  const std::string text = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 ||
      pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    const int number = errno;
    return fail(number == ENOSPC ? ErrorCode::insufficient_space : ErrorCode::database_unavailable,
                "cannot write the lock file " + lock_path + ": " + errno_text(number));
  }
  return {};
}

}  // namespace

Result<FileDescriptor> claim_database(const std::string& path) {
  if (auto ok = check_directory(path); !ok) return fail(ok.error());
  const std::string lock_path = path + ".lock";
  FileDescriptor lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly));
  if (!lock) {
    return unavailable("cannot open the lock file " + lock_path + ": " + errno_text(errno) +
                       "; the service's user must be able to write in this directory");
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return unavailable("cannot lock " + lock_path + ": " + errno_text(errno));
    }
    const std::string holder = holder_of(lock.get());
    return unavailable("the database " + path + " is in use by another process" +
                       (holder.empty() ? "" : " (pid " + holder + ")") +
                       "; stop it first, or give this one a path of its own");
  }
  if (auto ok = note_holder(lock.get(), lock_path); !ok) return fail(ok.error());
  return lock;
}

Result<void> prepare_database_file(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) {
      return unavailable("cannot look at the database " + path + ": " + errno_text(errno));
    }
    const FileDescriptor made(
        open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
    if (made) return {};
    return fail(errno == ENOSPC ? ErrorCode::insufficient_space : ErrorCode::database_unavailable,
                "cannot make the database " + path + ": " + errno_text(errno));
  }
  if (!S_ISREG(status.st_mode)) return unavailable("the database " + path + " is not a file");
  if (access(path.c_str(), R_OK | W_OK) != 0) {
    return unavailable("the database " + path + " cannot be read and written: " +
                       errno_text(errno) + "; the service's user must own it");
  }
  if ((status.st_mode & 0077) == 0) return {};
  log::warning("other users could read the database; their rights are taken away",
               {{"path", path}});
  if (chmod(path.c_str(), kOwnerOnly) != 0) {
    return unavailable("cannot take other users' rights on " + path +
                       " away: " + errno_text(errno));
  }
  return {};
}

}  // namespace vbs::db
