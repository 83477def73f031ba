#include "common/private_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "common/file.h"
#include "common/log.h"

namespace vbs {
namespace {

constexpr unsigned kForOthers = S_IRWXG | S_IRWXO;

tl::unexpected<Error> folder_error(const std::string& path, const std::string& what, int number) {
  return fail(number == ENOSPC ? ErrorCode::insufficient_space : ErrorCode::internal,
              "cannot " + what + " the folder " + path + ": " + errno_text(number));
}

std::string octal(unsigned mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  return text.data();
}

}  // namespace

Result<void> make_private_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return folder_error(path, "make", errno);
  const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return folder_error(path, "open", errno);
  struct stat status {};
  if (::fstat(folder.get(), &status) != 0) return folder_error(path, "look at", errno);
  if (status.st_uid != ::geteuid()) {
    return fail(ErrorCode::internal, "the folder " + path + " belongs to user " +
                                         std::to_string(status.st_uid) +
                                         "; `chown` it to the user of this program");
  }
  if ((status.st_mode & kForOthers) == 0) return {};
  if (::fchmod(folder.get(), status.st_mode & S_IRWXU) != 0) {
    return folder_error(path, "close", errno);
  }
  log::warning("a folder that others could look into is closed to them",
               {{"folder", path}, {"mode_was", octal(status.st_mode)}});
  return {};
}

Result<void> remove_temporary_files(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::string path = entries->path().string();
    if (!path.ends_with(kTemporarySuffix)) continue;
    if (auto gone = remove_file_durably(path); !gone) return gone;
  }
  if (error) return fail(ErrorCode::internal, "cannot read " + folder + ": " + error.message());
  return {};
}

}  // namespace vbs
