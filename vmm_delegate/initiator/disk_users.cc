#include "vmm_delegate/initiator/disk_users.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>

#include "common/file.h"
#include "common/text.h"
#include "vmm_delegate/folder.h"

namespace vbs::vmm_delegate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLineLimit = 4096;

/// What is there; a device may go away while it is looked at.
std::vector<fs::path> seen_in(const fs::path& folder) {
  std::error_code error;
  return entries_of(folder, error);
}

std::string first_line(const fs::path& path) {
  auto text = read_file(path.string(), kLineLimit);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

/// "8:16" of the disk and of each partition.
std::set<std::string> numbers_of(const ScsiDisk& disk) {
  std::set<std::string> numbers{std::to_string(disk.major) + ":" + std::to_string(disk.minor)};
  for (const fs::path& entry : seen_in("/sys/class/block/" + disk.block)) {
    if (!entry.filename().string().starts_with(disk.block)) continue;
    numbers.insert(first_line(entry / "dev"));
  }
  return numbers;
}

/// Empty when the disk can be had exclusively.
std::string exclusive_user(const ScsiDisk& disk) {
  const std::string path = "/dev/" + disk.block;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_EXCL | O_CLOEXEC));
  if (file || errno != EBUSY) return "";
  std::string holders;
  for (const fs::path& holder : seen_in("/sys/class/block/" + disk.block + "/holders")) {
    holders += " " + holder.filename().string();
  }
  return holders.empty() ? "the kernel of this host (mounted, or held exclusively)"
                         : "the kernel of this host:" + holders;
}

void add_xen_backends(const ScsiDisk& disk, std::vector<std::string>& users) {
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), "%x:%x", disk.major, disk.minor);
  // Also before Xen's backend has opened the disk, since a half-done attach may go on.
  for (const fs::path& device : seen_in("/sys/bus/xen-backend/devices")) {
    if (first_line(device / "physical_device") != number.data()) continue;
    users.push_back("Xen's block backend " + device.filename().string());
  }
}

bool is_udev(const std::string& pid) {
  const std::string name = first_line(fs::path("/proc") / pid / "comm");
  return name == "(udev-worker)" || name == "systemd-udevd";
}

std::string parent_of(const std::string& pid) {
  const std::string stat = first_line(fs::path("/proc") / pid / "stat");
  // "12 (name) S 11 ..."; the name may hold anything.
  const auto name_end = stat.rfind(") ");
  if (name_end == std::string::npos || stat.size() < name_end + 4) return "";
  const auto parent = name_end + 4;
  return stat.substr(parent, stat.find(' ', parent) - parent);
}

/// udev, or a helper of its: it looks at a disk that has appeared, for seconds on a busy host and
/// for minutes where the target is dead, and loses nothing when the disk goes.
bool belongs_to_udev(const std::string& pid) {
  return is_udev(pid) || is_udev(parent_of(pid));
}

bool has_open(const fs::path& process, const ScsiDisk& disk, const std::set<std::string>& numbers) {
  for (const fs::path& link : seen_in(process / "fd")) {
    // The link's text first: a look at the file itself may wait for a dead file server.
    std::array<char, PATH_MAX> text{};
    const ssize_t length = ::readlink(link.c_str(), text.data(), text.size());
    if (length <= 0) continue;
    const std::string_view target(text.data(), static_cast<std::size_t>(length));
    if (!target.substr(target.rfind('/') + 1).starts_with(disk.block)) continue;
    struct stat status {};
    if (::stat(link.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) continue;
    if (numbers.contains(std::to_string(major(status.st_rdev)) + ":" +
                         std::to_string(minor(status.st_rdev)))) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<std::vector<std::string>> users_of_disk(const ScsiDisk& disk) {
  std::vector<std::string> users;
  if (std::string user = exclusive_user(disk); !user.empty()) users.push_back(std::move(user));
  add_xen_backends(disk, users);
  const auto numbers = numbers_of(disk);
  const std::string self = std::to_string(::getpid());
  for (const fs::path& process : seen_in("/proc")) {
    const std::string pid = process.filename().string();
    const bool is_process =
        std::all_of(pid.begin(), pid.end(), [](char c) { return c >= '0' && c <= '9'; });
    // What this program has open itself is a request of its own that the target has not answered.
    if (!is_process || pid == self || !has_open(process, disk, numbers)) continue;
    if (belongs_to_udev(pid)) continue;
    users.push_back("process " + pid + " (" + first_line(process / "comm") + ")");
  }
  return users;
}

}  // namespace vbs::vmm_delegate
