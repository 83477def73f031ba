#include "volume_delegate/store/lvm/block_device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "common/fault_point.h"
#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

/// Small enough that a cancel is noticed at once and that guests' own I/O comes between.
constexpr std::uint64_t kStep = 4 * kMiB;
constexpr std::size_t kAlignment = 4 * kKiB;
constexpr std::chrono::milliseconds kSlice{50};
/// Progress is recorded after so much time: each record is a commit of the group's metadata.
constexpr std::chrono::seconds kRecordEvery{5};

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<char, Free>;

/// All zeros.
Buffer make_buffer() {
  Buffer buffer(static_cast<char*>(std::aligned_alloc(kAlignment, kStep)));
  std::memset(buffer.get(), 0, kStep);
  return buffer;
}

bool is_zero(const char* data, std::size_t size) {
  return data[0] == 0 && std::memcmp(data, data + 1, size - 1) == 0;
}

std::string text_of(dev_t number) {
  return std::to_string(::major(number)) + ":" + std::to_string(::minor(number));
}

tl::unexpected<Error> cancelled() {
  return fail(ErrorCode::conflict, "the copy was cancelled");
}

}  // namespace

void Pace::wait(std::uint64_t bytes, const std::atomic<bool>& cancelled) {
  using std::chrono::steady_clock;
  steady_clock::time_point until;
  {
    std::lock_guard lock(mutex_);
    until = std::max(next_, steady_clock::now());
    const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
    next_ = until + std::chrono::duration_cast<steady_clock::duration>(
                        std::chrono::duration<double>(seconds));
  }
  while (!cancelled) {
    const auto now = steady_clock::now();
    if (now >= until) return;
    std::this_thread::sleep_for(std::min<steady_clock::duration>(kSlice, until - now));
  }
}

Result<BlockDevice> BlockDevice::open(const std::string& path, Use use, dev_t number) {
  int flags = O_CLOEXEC | O_DIRECT | (use == Use::read ? O_RDONLY : O_RDWR);
  if (use == Use::write_alone) flags |= O_EXCL;
  FileDescriptor fd(::open(path.c_str(), flags));
  if (!fd) {
    const int error = errno;
    return fail(error == EBUSY ? ErrorCode::conflict : ErrorCode::internal,
                "cannot open " + path + ": " + errno_text(error));
  }
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) {
    return fail(ErrorCode::internal, "cannot look at " + path + ": " + errno_text(errno));
  }
  if (found.st_rdev == number) return BlockDevice(std::move(fd), path);
  return fail(ErrorCode::internal, path + " is device " + text_of(found.st_rdev) + ", and not " +
                                       text_of(number) + " as LVM says: is udevd well?");
}

tl::unexpected<Error> BlockDevice::failed(const char* what, int number) const {
  return fail(ErrorCode::internal,
              std::string("cannot ") + what + " " + path_ + ": " + errno_text(number));
}

Result<std::uint64_t> BlockDevice::size() const {
  const off_t end = ::lseek(fd_.get(), 0, SEEK_END);
  if (end < 0) return failed("measure", errno);
  return static_cast<std::uint64_t>(end);
}

Result<void> BlockDevice::zero(std::uint64_t begin, std::uint64_t end) const {
  std::uint64_t range[2] = {begin, end - begin};
  if (::ioctl(fd_.get(), BLKZEROOUT, range) == 0) return {};
  const int number = errno;
  if (number != EOPNOTSUPP && number != ENOTTY && number != EINVAL) return failed("zero", number);
  return write_zeros(begin, end);
}

Result<void> BlockDevice::write_zeros(std::uint64_t begin, std::uint64_t end) const {
  static const Buffer zeros = make_buffer();
  for (std::uint64_t at = begin; at < end;) {
    const auto size = static_cast<std::size_t>(std::min(kStep, end - at));
    if (auto ok = write(zeros.get(), size, at); !ok) return ok;
    at += size;
  }
  return {};
}

Result<void> BlockDevice::read(char* data, std::size_t size, std::uint64_t offset) const {
  while (size > 0) {
    const ssize_t got = ::pread(fd_.get(), data, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", errno);
    if (got == 0) return failed("read", ENODATA);
    data += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return {};
}

Result<void> BlockDevice::write(const char* data, std::size_t size, std::uint64_t offset) const {
  while (size > 0) {
    const ssize_t put = ::pwrite(fd_.get(), data, size, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed("write", errno);
    data += put;
    offset += static_cast<std::uint64_t>(put);
    size -= static_cast<std::size_t>(put);
  }
  return {};
}

Result<void> BlockDevice::flush() const {
  if (::fsync(fd_.get()) != 0) return failed("flush", errno);
  return {};
}

Result<void> zero_range(const BlockDevice& device, std::uint64_t begin, std::uint64_t end,
                        Pace& pace, CopyControl& control, const RecordProgress& record) {
  auto recorded = std::chrono::steady_clock::now();
  for (std::uint64_t at = begin; at < end;) {
    const std::uint64_t step = std::min(kStep, end - at);
    pace.wait(step, control.cancelled);
    if (control.cancelled) return cancelled();
    if (auto ok = device.zero(at, at + step); !ok) return ok;
    at += step;
    control.copied_bytes = at;
    fault_point("volumed.zero.during");
    const auto now = std::chrono::steady_clock::now();
    if (!record || at == end || now - recorded < kRecordEvery) continue;
    if (auto ok = device.flush(); !ok) return ok;
    auto noted = record(at);
    // A group that has no room for the note has room for what is zeroed: the note only spares doing
    // it again.
    if (!noted && noted.error().code != ErrorCode::insufficient_space) return noted;
    recorded = now;
  }
  return device.flush();
}

Result<void> copy_range(const BlockDevice& from, const BlockDevice& to, std::uint64_t size,
                        Pace& pace, CopyControl& control) {
  const Buffer buffer = make_buffer();
  for (std::uint64_t at = 0; at < size;) {
    const auto step = static_cast<std::size_t>(std::min(kStep, size - at));
    pace.wait(step, control.cancelled);
    if (control.cancelled) return cancelled();
    if (auto ok = from.read(buffer.get(), step, at); !ok) return ok;
    auto done =
        is_zero(buffer.get(), step) ? to.zero(at, at + step) : to.write(buffer.get(), step, at);
    if (!done) return done;
    at += step;
    control.copied_bytes = at;
    fault_point("volumed.copy.during");
  }
  return to.flush();
}

}  // namespace vbs::volume_delegate
