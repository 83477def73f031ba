#include "vmm_delegate/startup_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/private_folder.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::size_t kTokenLimit = 4096;
constexpr std::size_t kMinToken = 16;

}  // namespace

Result<Secret> read_token(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(ErrorCode::internal, "cannot read token_file " + path + ": " + errno_text(errno));
  }
  if ((status.st_mode & 077) != 0) {
    return fail(ErrorCode::internal,
                "token_file " + path + " is open to others than its owner; `chmod 600` it");
  }
  auto text = read_file(path, kTokenLimit);
  if (!text) return fail(text.error());
  while (text->ends_with('\n')) text->pop_back();
  const bool printable =
      std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c <= '~'; });
  if (printable && text->size() >= kMinToken) return Secret(*std::move(text));
  return fail(ErrorCode::internal,
              "token_file " + path + " must hold one word of 16 or more printable characters");
}

Result<StateLock> StateLock::take(const std::string& folder) {
  if (auto made = make_private_folder(folder); !made) return fail(made.error());
  const std::string path = folder + "/lock";
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(ErrorCode::internal, "cannot open " + path + ": " + errno_text(errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return StateLock(std::move(fd));
  if (errno != EWOULDBLOCK) {
    return fail(ErrorCode::internal, "cannot lock " + path + ": " + errno_text(errno));
  }
  return fail(ErrorCode::conflict, "another vbs-vmmd works with state_dir " + folder);
}

}  // namespace vbs::vmm_delegate
