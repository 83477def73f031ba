#include "vmm_delegate/startup_files.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "common/private_folder.h"

namespace vbs::vmm_delegate {

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
