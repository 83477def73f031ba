#include "volume_delegate/store/file/sparse_copy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "common/fault_point.h"
#include "common/file.h"
#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

/// Small enough that a cancel is noticed at once and that progress moves.
constexpr std::uint64_t kStep = 16 * kMiB;
constexpr std::size_t kProbeSize = 4 * kKiB;

tl::unexpected<Error> copy_failed(int number) {
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) {
    return fail(ErrorCode::insufficient_space, "the copy stopped: " + errno_text(number));
  }
  return fail(ErrorCode::internal, "the copy stopped: " + errno_text(number));
}

/// Copies [begin, end), which is data.
Result<void> copy_extent(int from, int to, std::uint64_t begin, std::uint64_t end,
                         CopyControl& control) {
  auto in = static_cast<off64_t>(begin);
  auto out = static_cast<off64_t>(begin);
  while (static_cast<std::uint64_t>(in) < end) {
    if (control.cancelled) return fail(ErrorCode::conflict, "the copy was cancelled");
    const std::size_t step = std::min(kStep, end - static_cast<std::uint64_t>(in));
    const ssize_t done = ::copy_file_range(from, &in, to, &out, step, 0);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return copy_failed(errno);
    if (done == 0) return fail(ErrorCode::internal, "the copy stopped: its source became shorter");
    control.copied_bytes = static_cast<std::uint64_t>(in);
    fault_point("volumed.copy.during");
  }
  return {};
}

/// A file that has no name any more and goes when it is closed.
Result<FileDescriptor> probe_file(const std::string& folder) {
  std::string path = folder + "/.probe-XXXXXX";
  FileDescriptor fd(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd)
    return fail(ErrorCode::internal, "cannot make a file in " + folder + ": " + errno_text(errno));
  ::unlink(path.c_str());
  return fd;
}

}  // namespace

Result<void> copy_sparse(int from, int to, std::uint64_t size, CopyControl& control) {
  std::uint64_t position = 0;
  while (position < size) {
    const off64_t data = ::lseek64(from, static_cast<off64_t>(position), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // only a hole is left
    if (data < 0) return copy_failed(errno);
    const off64_t hole = ::lseek64(from, data, SEEK_HOLE);
    if (hole < 0) return copy_failed(errno);
    const auto end = std::min(static_cast<std::uint64_t>(hole), size);
    auto copied = copy_extent(from, to, static_cast<std::uint64_t>(data), end, control);
    if (!copied) return copied;
    position = end;
  }
  if (control.cancelled) return fail(ErrorCode::conflict, "the copy was cancelled");
  control.copied_bytes = size;
  return {};
}

Result<void> share_extents(int from, int to) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  return copy_failed(errno);
}

Result<bool> can_share_extents(const std::string& folder) {
  auto from = probe_file(folder);
  if (!from) return fail(from.error());
  auto to = probe_file(folder);
  if (!to) return fail(to.error());
  const std::string data(kProbeSize, 'x');
  if (::pwrite(from->get(), data.data(), data.size(), 0) != static_cast<ssize_t>(data.size())) {
    return fail(ErrorCode::insufficient_space,
                "cannot write into " + folder + ": " + errno_text(errno));
  }
  return share_extents(from->get(), to->get()).has_value();
}

}  // namespace vbs::volume_delegate
