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

/// A device or a process may go away while it is looked at.
bool is_absence(int number) {
  return number == ENOENT || number == ESRCH;
}

/// What is not seen would pass for unused: every other failure is the whole's.
Result<std::vector<fs::path>> seen_in(const fs::path& folder) {
  std::error_code error;
  auto entries = entries_of(folder, error);
  if (!error || is_absence(error.value())) return entries;
  return fail(ErrorCode::internal, "who uses the disk is not known: cannot read " +
                                       folder.string() + ": " + error.message());
}

/// "" where it is absent or has gone away.
Result<std::string> first_line(const fs::path& path) {
  auto text = read_file(path.string(), kLineLimit);
  if (text) return text->substr(0, text->find('\n'));
  std::error_code error;
  if (text.error().code == ErrorCode::not_found || (!fs::exists(path, error) && !error)) {
    return std::string();
  }
  return fail(text.error());
}

/// "8:16" of the disk and of each partition.
Result<std::set<std::string>> numbers_of(const ScsiDisk& disk, const std::string& sys) {
  std::set<std::string> numbers{std::to_string(disk.major) + ":" + std::to_string(disk.minor)};
  const auto entries = seen_in(sys + "/class/block/" + disk.block);
  if (!entries) return fail(entries.error());
  for (const fs::path& entry : *entries) {
    if (!entry.filename().string().starts_with(disk.block)) continue;
    auto number = first_line(entry / "dev");
    if (!number) return fail(number.error());
    numbers.insert(*std::move(number));
  }
  return numbers;
}

/// Empty when the disk can be had exclusively, or is gone.
Result<std::string> exclusive_user(const ScsiDisk& disk, const UserPlaces& places) {
  const std::string path = places.dev + "/" + disk.block;
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_EXCL | O_CLOEXEC));
  const int number = errno;
  if (file || number == ENOENT || number == ENXIO || number == ENODEV) return std::string();
  if (number != EBUSY) {
    return fail(ErrorCode::internal,
                "who uses the disk is not known: cannot open " + path + ": " + errno_text(number));
  }
  const auto entries = seen_in(places.sys + "/class/block/" + disk.block + "/holders");
  if (!entries) return fail(entries.error());
  std::string holders;
  for (const fs::path& holder : *entries) holders += " " + holder.filename().string();
  return holders.empty() ? "the kernel of this host (mounted, or held exclusively)"
                         : "the kernel of this host:" + holders;
}

Result<void> add_xen_backends(const ScsiDisk& disk, const std::string& sys,
                              std::vector<std::string>& users) {
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), "%x:%x", disk.major, disk.minor);
  const auto devices = seen_in(sys + "/bus/xen-backend/devices");
  if (!devices) return fail(devices.error());
  // Also before Xen's backend has opened the disk, since a half-done attach may go on.
  for (const fs::path& device : *devices) {
    const auto its_number = first_line(device / "physical_device");
    if (!its_number) return fail(its_number.error());
    if (*its_number != number.data()) continue;
    users.push_back("Xen's block backend " + device.filename().string());
  }
  return {};
}

bool is_udev(const fs::path& process) {
  const auto name = first_line(process / "comm");
  return name && (*name == "(udev-worker)" || *name == "systemd-udevd");
}

fs::path parent_of(const fs::path& process) {
  const auto line = first_line(process / "stat");
  const std::string stat = line ? *line : "";
  // "12 (name) S 11 ..."; the name may hold anything.
  const auto name_end = stat.rfind(") ");
  if (name_end == std::string::npos || stat.size() < name_end + 4) return {};
  const auto parent = name_end + 4;
  return process.parent_path() / stat.substr(parent, stat.find(' ', parent) - parent);
}

/// udev, or a helper of its: it looks at a disk that has appeared, for seconds on a busy host and
/// for minutes where the target is dead, and loses nothing when the disk goes.
bool belongs_to_udev(const fs::path& process) {
  return is_udev(process) || is_udev(parent_of(process));
}

Result<bool> has_open(const fs::path& process, const ScsiDisk& disk,
                      const std::set<std::string>& numbers) {
  const auto cannot_tell = [](const fs::path& link) {
    return fail(ErrorCode::internal, "who uses the disk is not known: cannot look at " +
                                         link.string() + ": " + errno_text(errno));
  };
  const auto links = seen_in(process / "fd");
  if (!links) return fail(links.error());
  for (const fs::path& link : *links) {
    // The link's text first: a look at the file itself may wait for a dead file server.
    std::array<char, PATH_MAX> text{};
    const ssize_t length = ::readlink(link.c_str(), text.data(), text.size());
    if (length < 0 && is_absence(errno)) continue;
    if (length < 0) return cannot_tell(link);
    const std::string_view target(text.data(), static_cast<std::size_t>(length));
    if (!target.substr(target.rfind('/') + 1).starts_with(disk.block)) continue;
    struct stat status {};
    if (::stat(link.c_str(), &status) != 0) {
      if (is_absence(errno)) continue;
      return cannot_tell(link);
    }
    if (!S_ISBLK(status.st_mode)) continue;
    if (numbers.contains(std::to_string(major(status.st_rdev)) + ":" +
                         std::to_string(minor(status.st_rdev)))) {
      return true;
    }
  }
  return false;
}

Result<void> add_processes(const ScsiDisk& disk, const UserPlaces& places,
                           std::vector<std::string>& users) {
  const auto numbers = numbers_of(disk, places.sys);
  if (!numbers) return fail(numbers.error());
  const auto processes = seen_in(places.proc);
  if (!processes) return fail(processes.error());
  const std::string self = std::to_string(::getpid());
  bool seen_self = false;
  for (const fs::path& process : *processes) {
    const std::string pid = process.filename().string();
    if (!std::all_of(pid.begin(), pid.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    // What this program has open itself is a request of its own that the target has not answered.
    if (pid == self) {
      seen_self = true;
      continue;
    }
    const auto open = has_open(process, disk, *numbers);
    if (!open) return fail(open.error());
    if (!*open || belongs_to_udev(process)) continue;
    const auto name = first_line(process / "comm");
    users.push_back("process " + pid + " (" + (name ? *name : "") + ")");
  }
  if (seen_self) return {};
  return fail(ErrorCode::internal,
              "who uses the disk is not known: " + places.proc + " does not show the processes");
}

}  // namespace

Result<std::vector<std::string>> users_of_disk(const ScsiDisk& disk, const UserPlaces& places) {
  std::vector<std::string> users;
  auto user = exclusive_user(disk, places);
  if (!user) return fail(user.error());
  if (!user->empty()) users.push_back(*std::move(user));
  if (auto added = add_xen_backends(disk, places.sys, users); !added) return fail(added.error());
  if (auto added = add_processes(disk, places, users); !added) return fail(added.error());
  return users;
}

}  // namespace vbs::vmm_delegate
