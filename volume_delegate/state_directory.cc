#include "volume_delegate/state_directory.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "common/private_folder.h"

namespace vbs::volume_delegate {

Result<StateDirectory> StateDirectory::take(const std::string& path) {
  if (auto made = make_private_folder(path); !made) return fail(made.error());
  const std::string file = path + "/lock";
  FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return fail(ErrorCode::internal, "cannot open " + file + ": " + errno_text(errno));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return StateDirectory(std::move(lock));
  if (errno != EWOULDBLOCK) {
    return fail(ErrorCode::internal, "cannot lock " + file + ": " + errno_text(errno));
  }
  return fail(ErrorCode::conflict, "another vbs-volumed works with state_dir " + path +
                                       "; `fuser " + file + "` shows which process");
}

}  // namespace vbs::volume_delegate
