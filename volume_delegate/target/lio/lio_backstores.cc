#include "volume_delegate/target/lio/lio_backstores.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "common/file.h"
#include "volume_delegate/target/outcome.h"

namespace vbs::volume_delegate {
namespace {

// The number is any that other programs hardly take: targetcli counts from 0.
const std::string kBlock = "core/iblock_7260";
const std::string kFile = "core/fileio_7260";
const std::string kUnitLink = "unit";

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
  return Plan{kFile, "fd_dev_name=" + device + "," + size + ",fd_buffered_io=1", size};
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

Result<void> LioBackstores::make(const TargetSpec& spec, const std::string& path,
                                 const std::string& control) {
  if (auto ok = tree_.make_folder(path); !ok) return ok;
  const std::pair<const char*, std::string> attributes[] = {
      {"/control", control},
      {"/udev_path", spec.device},
      {"/enable", "1"},
      // From here on in the order that the kernel wants: all before the first LUN leads here.
      {"/wwn/vendor_id", "VBS"},
      {"/wwn/product_id", "VOLUME"},
      // Nobody copies between volumes behind our back (EXTENDED COPY).
      {"/attrib/emulate_3pc", "0"},
      // Last, because look() takes a backstore with its serial for complete.
      {"/wwn/vpd_unit_serial", spec.serial}};
  for (const auto& [name, value] : attributes) {
    auto written = tree_.write(path + name, value);
    if (written) continue;
    if (written.error().code != ErrorCode::conflict) return written;
    return fail(ErrorCode::conflict, "cannot serve " + spec.device +
                                         ": another program, or another backstore of LIO, "
                                         "has it open (" +
                                         written.error().message + ")");
  }
  // A device that cannot discard refuses these, and initiators are told so.
  for (const char* name : {"/attrib/emulate_tpu", "/attrib/emulate_tpws"}) {
    if (auto ignored = tree_.write(path + name, "1"); !ignored) continue;
  }
  return {};
}

Result<std::string> LioBackstores::ensure(const TargetSpec& spec) {
  const auto plan = plan_for(spec.device);
  if (!plan) return fail(plan.error());
  if (auto ok = present_is_fine(tree_.make_folder(plan->folder)); !ok) return fail(ok.error());
  const std::string path = plan->folder + "/" + spec.serial;
  const auto there = look(path);
  if (there && there->device == spec.device && there->serial == spec.serial) return path;
  if (!there && there.error().code != ErrorCode::not_found) return fail(there.error());
  if (there) {
    if (auto ok = absent_is_fine(tree_.remove_folder(path)); !ok) return fail(ok.error());
  }
  if (auto ok = make(spec, path, plan->control); !ok) {
    if (auto ignored = tree_.remove_folder(path); !ignored) return fail(ok.error());
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
    for (const auto& link : links.value_or(std::vector<std::string>{})) {
      if (tree_.link_target(lun + "/" + link).value_or("") != path) continue;
      return fail(ErrorCode::conflict, "the volume is served already, by " + lun);
    }
  }
  return {};
}

Result<void> LioBackstores::serve(const TargetSpec& spec, const std::string& lun) {
  std::lock_guard guard(mutex_);
  auto path = ensure(spec);
  if (!path) return fail(path.error());
  auto links = tree_.links(lun);
  if (!links) return fail(links.error());
  if (links->empty()) {
    if (auto ok = spec.read_only ? Result<void>() : check_is_free(*path); !ok) return ok;
    return tree_.link(lun + "/" + kUnitLink, *path);
  }
  auto target = tree_.link_target(lun + "/" + links->front());
  if (!target) return fail(target.error());
  if (*target == *path) return {};
  return fail(ErrorCode::conflict, lun + " leads to " + *target);
}

Result<void> LioBackstores::remove_unused() {
  std::lock_guard guard(mutex_);
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
