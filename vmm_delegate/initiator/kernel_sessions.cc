#include "vmm_delegate/initiator/kernel_sessions.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>

#include "common/file.h"
#include "vmm_delegate/folder.h"
#include "vmm_delegate/initiator/scsi_serial.h"

namespace vbs::vmm_delegate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAttributeLimit = 4096;  // a page, as sysfs gives it
constexpr std::uint64_t kSectorBytes = 512;    // of sysfs, whatever the disk's blocks are

/// The attribute without the end of its line; nothing where it is absent or is going away.
std::optional<std::string> attribute(const fs::path& path) {
  auto text = read_file(path.string(), kAttributeLimit);
  if (!text) return std::nullopt;
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return *std::move(text);
}

/// The number behind `prefix`, such as 3 in "session3".
template <class Number>
std::optional<Number> number_behind(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  Number number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

/// What is there; a device may go away while it is looked at.
std::vector<fs::path> seen_in(const fs::path& folder) {
  std::error_code error;
  return entries_of(folder, error);
}

std::vector<fs::path> seen_in(const fs::path& folder, std::string_view prefix) {
  std::vector<fs::path> entries = seen_in(folder);
  std::erase_if(entries, [&](const fs::path& entry) {
    return !entry.filename().string().starts_with(prefix);
  });
  return entries;
}

/// "8:16"
bool read_numbers(const fs::path& path, ScsiDisk& disk) {
  const std::string text = attribute(path).value_or("");
  const auto colon = text.find(':');
  if (colon == std::string::npos) return false;
  const auto major = number_behind<unsigned>(text.substr(0, colon), "");
  const auto minor = number_behind<unsigned>(text.substr(colon + 1), "");
  if (!major || !minor) return false;
  disk.major = *major;
  disk.minor = *minor;
  return true;
}

void read_block(const fs::path& block, ScsiDisk& disk) {
  if (!read_numbers(block / "dev", disk)) return;
  const auto sectors = number_behind<std::uint64_t>(attribute(block / "size").value_or(""), "");
  disk.size_bytes = sectors.value_or(0) * kSectorBytes;
  disk.block = block.filename().string();
}

std::optional<ScsiDisk> read_disk(const fs::path& unit) {
  ScsiDisk disk;
  disk.address = unit.filename().string();
  const auto lun = number_behind<std::uint32_t>(
      std::string_view(disk.address).substr(disk.address.rfind(':') + 1), "");
  if (!lun) return std::nullopt;
  disk.lun = *lun;
  for (const fs::path& block : seen_in(unit / "block")) read_block(block, disk);
  if (const auto page = read_file((unit / "vpd_pg80").string(), kAttributeLimit)) {
    disk.known_serial = serial_of_page(*page);
  }
  return disk;
}

std::vector<ScsiDisk> disks_below(const fs::path& device) {
  std::vector<ScsiDisk> disks;
  for (const fs::path& target : seen_in(device, "target")) {
    for (const fs::path& unit : seen_in(target)) {
      const std::string name = unit.filename().string();
      if (std::count(name.begin(), name.end(), ':') != 3) continue;
      if (auto disk = read_disk(unit)) disks.push_back(*std::move(disk));
    }
  }
  return disks;
}

PortalAddress portal_below(const fs::path& device) {
  for (const fs::path& connection : seen_in(device, "connection")) {
    const fs::path attributes = connection / "iscsi_connection" / connection.filename();
    // What was asked for, and not whither a login redirection led: udev names its links after it.
    const auto address = attribute(attributes / "persistent_address");
    const auto port = attribute(attributes / "persistent_port");
    if (address && port) return {*address, *port};
  }
  return {};
}

std::optional<KernelSession> read_session(const fs::path& entry) {
  const auto sid = number_behind<std::uint64_t>(entry.filename().string(), "session");
  const auto target = attribute(entry / "targetname");
  std::error_code error;
  // .../host2/session1
  const fs::path device = fs::canonical(entry / "device", error);
  if (!sid || !target || error) return std::nullopt;
  const auto host = number_behind<unsigned>(device.parent_path().filename().string(), "host");
  if (!host) return std::nullopt;
  KernelSession session;
  session.sid = *sid;
  session.host = *host;
  session.target = *target;
  session.interface = attribute(entry / "ifacename").value_or("");
  session.state = attribute(entry / "state").value_or("");
  session.portal = portal_below(device);
  session.portal_group =
      number_behind<std::uint32_t>(attribute(entry / "tpgt").value_or(""), "").value_or(1);
  session.disks = disks_below(device);
  return session;
}

}  // namespace

const ScsiDisk* KernelSession::disk(std::uint32_t lun) const {
  const auto found =
      std::find_if(disks.begin(), disks.end(), [&](const ScsiDisk& one) { return one.lun == lun; });
  return found == disks.end() ? nullptr : &*found;
}

Result<std::vector<KernelSession>> KernelSessions::list() const {
  std::vector<KernelSession> sessions;
  const std::string folder = sysfs_ + "/class/iscsi_session";
  std::error_code error;
  for (const fs::path& entry : entries_of(folder, error)) {
    if (auto session = read_session(entry)) sessions.push_back(*std::move(session));
  }
  // The folder is missing until the kernel's initiator is loaded. Anything else must not pass for
  // "no session": what is not seen would not be logged out.
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(ErrorCode::internal, "cannot read " + folder + ": " + error.message());
  }
  return sessions;
}

Result<bool> KernelSessions::is_gone(std::uint64_t sid) const {
  const std::string name = "session" + std::to_string(sid);
  std::error_code error;
  if (fs::exists(fs::symlink_status(sysfs_ + "/class/iscsi_session/" + name, error))) return false;
  const std::string folder = sysfs_ + "/class/block";
  for (const fs::path& entry : entries_of(folder, error)) {
    std::error_code vanished;
    const std::string device = fs::read_symlink(entry, vanished).string();
    if (device.find("/" + name + "/") != std::string::npos) return false;
  }
  if (error) return fail(ErrorCode::internal, "cannot read " + folder + ": " + error.message());
  return true;
}

}  // namespace vbs::vmm_delegate
