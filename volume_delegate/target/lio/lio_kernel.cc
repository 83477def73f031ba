#include "volume_delegate/target/lio/lio_kernel.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/log.h"
#include "common/process.h"

namespace vbs::volume_delegate {
namespace {

const std::string kFabric = "iscsi";

Result<void> load(const std::string& modprobe, const std::string& module) {
  process::Command command;
  command.argv = {modprobe, "--quiet", "--", module};
  const auto ended = process::run(command);
  if (!ended) return fail(ended.error());
  if (ended->exit_code == 0) return {};
  return fail(ErrorCode::node_unavailable,
              "the kernel module " + module + " cannot be loaded (modprobe ended with " +
                  std::to_string(ended->exit_code) +
                  "); it comes with the kernel's package and needs root");
}

}  // namespace

Result<void> LioKernel::load_modules() {
  const auto modprobe = process::find_program("modprobe", "kmod");
  if (!modprobe) return fail(modprobe.error());
  for (const char* module : {"configfs", "target_core_mod"}) {
    if (auto ok = load(*modprobe, module); !ok) return ok;
  }
  if (!tree_.folders("")) {
    return fail(ErrorCode::node_unavailable,
                "there is no " + configfs_ +
                    "/target though target_core_mod is loaded; `mount -t "
                    "configfs configfs " +
                    configfs_ + "` if nothing is mounted there");
  }
  for (const char* module : {"target_core_iblock", "target_core_file", "iscsi_target_mod"}) {
    if (auto ok = load(*modprobe, module); !ok) return ok;
  }
  return {};
}

Result<bool> LioKernel::is_set_up() {
  const auto fabrics = tree_.folders("");
  if (fabrics) return std::find(fabrics->begin(), fabrics->end(), kFabric) != fabrics->end();
  struct stat status {};
  const std::string module = modules_ + "/iscsi_target_mod";
  if (::stat(module.c_str(), &status) != 0 && errno == ENOENT) return false;
  return fail(ErrorCode::timeout,
              "what the kernel's iSCSI target serves cannot be seen: its module is loaded, but " +
                  fabrics.error().message + "; `mount -t configfs configfs " + configfs_ +
                  "`, or correct target.configfs");
}

/// Whether a target of LIO, of whomever, has the portal.
Result<bool> LioKernel::listens() {
  const auto targets = tree_.folders(kFabric);
  if (!targets) return fail(targets.error());
  for (const auto& target : *targets) {
    const auto portals = tree_.folders(kFabric + "/" + target + "/tpgt_1/np");
    if (!portals) continue;
    if (std::find(portals->begin(), portals->end(), portal_.str()) != portals->end()) return true;
  }
  return false;
}

Result<DaemonState> LioKernel::ensure() {
  std::lock_guard guard(mutex_);
  auto state = DaemonState::found;
  const auto set_up = is_set_up();
  if (!set_up) return fail(set_up.error());
  if (!*set_up) {
    if (auto ok = load_modules(); !ok) return fail(ok.error());
    auto made = tree_.make_folder(kFabric);
    if (!made && made.error().code != ErrorCode::already_exists) {
      return fail(ErrorCode::node_unavailable,
                  "the kernel does not take iSCSI targets: " + made.error().message);
    }
    log::info("set up the kernel's iSCSI target");
    portal_was_free_ = false;
    state = DaemonState::started;
  }
  // Looking whether the port is free takes it for a moment, in which no target could: once only.
  if (portal_was_free_) return state;
  const auto there = listens();
  if (!there) return fail(ErrorCode::node_unavailable, there.error().message);
  if (!*there) {
    if (auto free = check_portal_is_free(portal_); !free) {
      return fail(ErrorCode::node_unavailable,
                  free.error().message +
                      ". A listener without a process is another portal of LIO, such as the "
                      "0.0.0.0:3260 of targetcli");
    }
  }
  portal_was_free_ = true;
  return state;
}

}  // namespace vbs::volume_delegate
