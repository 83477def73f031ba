#include "vmm_delegate/hypervisor/qemu/qemu.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "common/names.h"
#include "vmm_delegate/hypervisor/vm_words.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kQmpSuffix = ".qmp";
constexpr std::string_view kAgentSuffix = ".qga";

}  // namespace

QemuHypervisor::QemuHypervisor(QemuOptions options) : options_(std::move(options)) {}

std::string QemuHypervisor::qmp_path(const std::string& vm) const {
  return options_.folder + "/" + vm + std::string(kQmpSuffix);
}

std::string QemuHypervisor::agent_path(const std::string& vm) const {
  return options_.folder + "/" + vm + std::string(kAgentSuffix);
}

Result<std::vector<std::string>> QemuHypervisor::names() const {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(options_.folder.c_str()), ::closedir);
  if (!dir) {
    return fail(ErrorCode::internal,
                "cannot read the VM folder " + options_.folder + ": " + errno_text(errno));
  }
  std::vector<std::string> all;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::string name = entry->d_name;
    if (!name.ends_with(kQmpSuffix)) continue;
    name.resize(name.size() - kQmpSuffix.size());
    if (check_node_name(name, "vm")) all.push_back(std::move(name));
  }
  std::sort(all.begin(), all.end());
  return all;
}

Result<void> QemuHypervisor::check() {
  if (auto all = names(); !all) return fail(all.error());
  return {};
}

Result<KeyedLock::Guard> QemuHypervisor::lock(const std::string& vm) {
  return lock_vm(locks_, vm, options_.busy);
}

Result<KeyedLock::Guard> QemuHypervisor::lock_agent(const std::string& vm, Milliseconds limit) {
  auto guard = agent_locks_.acquire(vm, limit);
  if (!guard) {
    return fail(ErrorCode::overloaded,
                "another request speaks with the guest agent of VM '" + vm + "'; try again");
  }
  return *std::move(guard);
}

Result<Qmp> QemuHypervisor::open(const std::string& vm) const {
  auto qmp = Qmp::connect(qmp_path(vm), options_.qmp);
  if (qmp) return qmp;
  Error error = qmp.error();
  switch (error.code) {
    case ErrorCode::not_found:
      error.message = "there is no VM '" + vm + "' (no " + vm + std::string(kQmpSuffix) + " in " +
                      options_.folder + ")";
      break;
    case ErrorCode::node_unavailable:
      error.code = ErrorCode::conflict;
      error.message = "VM '" + vm + "' is off";
      break;
    default:
      error.message = "VM '" + vm + "': QMP: " + error.message;
  }
  return fail(std::move(error));
}

Result<std::optional<Qmp>> QemuHypervisor::open_if_on(const std::string& vm) const {
  auto qmp = open(vm);
  if (qmp) return std::optional<Qmp>(*std::move(qmp));
  const ErrorCode code = qmp.error().code;
  if (code == ErrorCode::not_found || code == ErrorCode::conflict) return std::optional<Qmp>();
  return fail(qmp.error());
}

Result<wire::VmStatus> QemuHypervisor::status_of(const std::string& vm, Qmp& qmp) const {
  const auto running = qemu::is_running(qmp);
  if (!running) return fail(running.error());
  const auto connected = qemu::agent_connected(qmp, agent_path(vm));
  if (!connected) return fail(connected.error());
  const auto uuid = qemu::vm_uuid(qmp);
  if (!uuid) return fail(uuid.error());
  return wire::VmStatus{vm, *running ? "running" : "paused", *connected, *uuid};
}

Result<wire::VmStatus> QemuHypervisor::vm(const std::string& name) {
  auto guard = lock(name);
  if (!guard) return fail(guard.error());
  auto qmp = open(name);
  if (qmp) return status_of(name, *qmp);
  if (qmp.error().code == ErrorCode::conflict) return wire::VmStatus{name, "off", false};
  return fail(qmp.error());
}

Result<std::vector<wire::VmStatus>> QemuHypervisor::vms() {
  const auto all = names();
  if (!all) return fail(all.error());
  std::vector<wire::VmStatus> statuses;
  for (const std::string& name : *all) {
    auto status = vm(name);
    if (!status && status.error().code == ErrorCode::not_found) continue;  // gone since listed
    statuses.push_back(status ? *std::move(status) : wire::VmStatus{name, "unknown", false});
  }
  return statuses;
}

Result<VmView> QemuHypervisor::look(const std::string& vm) {
  auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  auto qmp = open(vm);
  if (!qmp) {
    if (qmp.error().code == ErrorCode::conflict) return VmView{{vm, "off", false}, {}};
    return fail(qmp.error());
  }
  auto status = status_of(vm, *qmp);
  if (!status) return fail(status.error());
  const auto all = qemu::look(*qmp);
  if (!all) return fail(all.error());
  VmView view{*std::move(status), {}};
  for (const auto& [attachment, held] : *all) {
    view.devices.push_back(qemu::status_of(vm, attachment, held));
  }
  return view;
}

}  // namespace vbs::vmm_delegate
