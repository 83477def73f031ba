#include "volume_delegate/target/lio/lio_backstores.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "common/clock.h"
#include "common/file.h"
#include "volume_delegate/target/outcome.h"

namespace vbs::volume_delegate {
namespace {

// The number is any that other programs hardly take: targetcli counts from 0.
const std::string kBlock = "core/iblock_7260";
const std::string kFile = "core/fileio_7260";
constexpr Milliseconds kPatience{2'000};

/// "T10 VPD Unit Serial Number: ..." (drivers/target/target_core_configfs.c)
std::string after_colon(const std::string& text) {
  const auto colon = text.find(": ");
  return colon == std::string::npos ? std::string() : text.substr(colon + 2);
}

/// "... File: /srv/v1  Size: 8388608  Mode: ..." where a file is served (target_core_file.c);
/// iblock has the size that its device has. 0 if neither tells.
std::uint64_t size_of(const std::string& device, const std::string& info) {
  constexpr std::string_view kSize = "  Size: ";
  const auto at = info.rfind(kSize);
  std::uint64_t size = 0;
  if (at != std::string::npos) {
    std::from_chars(info.data() + at + kSize.size(), info.data() + info.size(), size);
    return size;
  }
  const FileDescriptor file(::open(device.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file || ::ioctl(file.get(), BLKGETSIZE64, &size) != 0) return 0;
  return size;
}

/// Where the backstore of a device belongs, and what makes it of that device.
struct Plan {
  std::string folder;
  std::string control;
  std::string size = {};  ///< for files, the part of it that says the size
  std::uint64_t size_bytes = 0;
};

Result<Plan> plan_for(const std::string& device) {
  struct stat status {};
  if (::stat(device.c_str(), &status) != 0) {
    return fail(ErrorCode::internal, "cannot serve " + device + ": " + errno_text(errno));
  }
  if (S_ISBLK(status.st_mode)) return Plan{kBlock, "udev_path=" + device};
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::internal,
                "cannot serve " + device + ": it is neither a block device nor a file");
  }
  const std::string size = "fd_dev_size=" + std::to_string(status.st_size);
  return Plan{kFile, "fd_dev_name=" + device + "," + size + ",fd_buffered_io=1", size,
              static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace

Result<LioBackstores::View> LioBackstores::look(const std::string& path) {
  View view;
  view.ours = path.starts_with(kBlock + "/") || path.starts_with(kFile + "/");
  auto enabled = tree_.read(path + "/enable");
  if (!enabled) return fail(enabled.error());
  if (*enabled != "1") return view;
  auto device = tree_.read(path + "/udev_path");
  if (!device) return fail(device.error());
  auto serial = tree_.read(path + "/wwn/vpd_unit_serial");
  if (!serial) return fail(serial.error());
  auto info = tree_.read(path + "/info");
  if (!info) return fail(info.error());
  view.size_bytes = size_of(*device, *info);
  view.device = std::move(*device);
  view.serial = after_colon(*serial);
  return view;
}

Result<bool> LioBackstores::is_of(const TargetSpec& spec, const std::string& path) {
  const auto there = look(path);
  if (there) return there->ours && there->device == spec.device && there->serial == spec.serial;
  if (there.error().code == ErrorCode::not_found) return false;
  return fail(there.error());
}

Result<void> LioBackstores::make(const TargetSpec& spec, const std::string& path,
                                 const std::string& control) {
  if (auto ok = tree_.make_folder(path); !ok) return ok;
  const struct {
    const char* name;
    std::string value;
    bool optional = false;
  } attributes[] = {
      {"/control", control},
      {"/udev_path", spec.device},
      {"/enable", "1"},
      // From here on in the order that the kernel wants: all before the first LUN leads here.
      {"/wwn/vendor_id", "VBS"},
      {"/wwn/product_id", "VOLUME"},
      // Nobody copies between volumes behind our back (EXTENDED COPY).
      {"/attrib/emulate_3pc", "0"},
      // A device that cannot discard refuses these, and initiators are told so.
      {"/attrib/emulate_tpu", "1", true},
      {"/attrib/emulate_tpws", "1", true},
      // Last, because look() takes a backstore with its serial for complete.
      {"/wwn/vpd_unit_serial", spec.serial}};
  for (const auto& attribute : attributes) {
    auto written = tree_.write(path + attribute.name, attribute.value);
    if (written || attribute.optional) continue;
    if (written.error().code != ErrorCode::conflict) return written;
    return fail(ErrorCode::conflict, "cannot serve " + spec.device +
                                         ": another program, or another backstore of LIO, "
                                         "has it open (" +
                                         written.error().message + ")");
  }
  return {};
}

Result<std::string> LioBackstores::ensure(const TargetSpec& spec) {
  const auto plan = plan_for(spec.device);
  if (!plan) return fail(plan.error());
  if (auto ok = present_is_fine(tree_.make_folder(plan->folder)); !ok) return fail(ok.error());
  const std::string path = plan->folder + "/" + spec.serial;
  const auto there = look(path);
  if (!there && there.error().code != ErrorCode::not_found) return fail(there.error());
  if (there && there->device == spec.device && there->serial == spec.serial) {
    // A file that grew while nobody could tell the kernel.
    const bool right = plan->size.empty() || there->size_bytes == plan->size_bytes;
    if (auto ok = right ? Result<void>() : tree_.write(path + "/control", plan->size); !ok) {
      return fail(ok.error());
    }
    return path;
  }
  if (there) {
    if (auto ok = absent_is_fine(tree_.remove_folder(path)); !ok) return fail(ok.error());
  }
  if (auto ok = make(spec, path, plan->control); !ok) {
    static_cast<void>(tree_.remove_folder(path));  // else the next attempt does
    return fail(ok.error());
  }
  return path;
}

Result<std::vector<std::string>> LioBackstores::folders_below(
    const std::vector<std::string>& parents) {
  std::vector<std::string> out;
  for (const auto& parent : parents) {
    const auto names = tree_.folders(parent);
    if (!names && names.error().code == ErrorCode::not_found) continue;
    if (!names) return fail(names.error());
    for (const auto& name : *names) out.push_back(parent + "/" + name);
  }
  return out;
}

/// Whatever the records say: a LUN that leads here already may have somebody writing to it.
Result<void> LioBackstores::check_is_free(const std::string& path) {
  const auto targets = folders_below({"iscsi"});
  if (!targets) return fail(targets.error());
  auto groups = folders_below(*targets);
  if (!groups) return fail(groups.error());
  for (auto& group : *groups) group += "/lun";
  const auto luns = folders_below(*groups);
  if (!luns) return fail(luns.error());
  for (const auto& lun : *luns) {
    const auto links = tree_.links(lun);
    if (!links && links.error().code == ErrorCode::not_found) continue;
    if (!links) return fail(links.error());
    for (const auto& link : *links) {
      const auto held = tree_.link_target(lun + "/" + link);
      if (!held && held.error().code != ErrorCode::not_found) return fail(held.error());
      if (!held || *held != path) continue;  // or it is going away right now
      return fail(ErrorCode::conflict, "the volume is served already, by " + lun);
    }
  }
  return {};
}

Result<std::unique_lock<std::timed_mutex>> LioBackstores::lock() {
  std::unique_lock guard(mutex_, kPatience);
  if (guard.owns_lock()) return guard;
  return fail(ErrorCode::overloaded, "the kernel is still opening or closing another device");
}

Result<void> LioBackstores::serve(const TargetSpec& spec, const std::string& lun) {
  const auto guard = lock();
  if (!guard) return fail(guard.error());
  auto path = ensure(spec);
  if (!path) return fail(path.error());
  auto links = tree_.links(lun);
  if (!links) return fail(links.error());
  if (links->empty()) {
    if (auto ok = spec.read_only ? Result<void>() : check_is_free(*path); !ok) return ok;
    return tree_.link(lun + "/" + kLioLink, *path);
  }
  auto target = tree_.link_target(lun + "/" + links->front());
  if (!target) return fail(target.error());
  if (*target == *path) return {};
  return fail(ErrorCode::conflict, lun + " leads to " + *target);
}

Result<void> LioBackstores::remove_unused() {
  const auto guard = lock();
  if (!guard) return fail(guard.error());
  for (const auto& folder : {kBlock, kFile}) {
    const auto names = tree_.folders(folder);
    if (!names && names.error().code == ErrorCode::not_found) continue;
    if (!names) return fail(names.error());
    bool empty = true;
    for (const auto& name : *names) {
      auto removed = absent_is_fine(tree_.remove_folder(folder + "/" + name));
      if (removed) continue;
      if (removed.error().code != ErrorCode::conflict) return removed;
      empty = false;
    }
    if (!empty) continue;
    if (auto ok = absent_is_fine(tree_.remove_folder(folder)); !ok) return ok;
  }
  return {};
}

Result<void> LioBackstores::refresh_size(const TargetSpec& spec) {
  const auto plan = plan_for(spec.device);
  if (!plan) return fail(plan.error());
  if (plan->size.empty()) return {};
  return tree_.write(plan->folder + "/" + spec.serial + "/control", plan->size);
}

}  // namespace vbs::volume_delegate
