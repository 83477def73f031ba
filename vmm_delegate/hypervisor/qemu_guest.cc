// QemuHypervisor: what is asked of the guest, and holding it still.

#include <poll.h>

#include <algorithm>

#include "vmm_delegate/hypervisor/qemu.h"

namespace vbs::vmm_delegate {
namespace {

constexpr int kLookAgainMs = 100;

}  // namespace

Result<GuestAgent> QemuHypervisor::open_agent(const std::string& vm) const {
  auto agent = GuestAgent::connect(agent_path(vm), options_.agent);
  if (agent) return agent;
  return fail(ErrorCode::timeout,
              "VM '" + vm + "': the guest agent does not answer (" + agent.error().message + ")");
}

Result<GuestView> QemuHypervisor::guest_view(const std::string& vm, const std::string& serial,
                                             Milliseconds wait) {
  const MonotonicTime deadline = deadline_in(wait);
  while (true) {
    // The VM is free for others between two looks.
    auto view = look_into_guest(vm, serial);
    if (!view || !view->agent || view->disk || poll_timeout(deadline) == 0) return view;
    ::poll(nullptr, 0, std::min(kLookAgainMs, poll_timeout(deadline)));
  }
}

Result<GuestView> QemuHypervisor::look_into_guest(const std::string& vm,
                                                  const std::string& serial) {
  auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  {
    auto qmp = open_if_on(vm);
    if (!qmp) return fail(qmp.error());
    if (!*qmp) return GuestView{};
    const auto connected = qemu::agent_connected(**qmp, agent_path(vm));
    if (!connected) return fail(connected.error());
    if (!*connected) return GuestView{};
    const auto running = qemu::is_running(**qmp);
    if (!running) return fail(running.error());
    if (!*running) {
      return fail(ErrorCode::conflict, "VM '" + vm + "' is paused, so its guest agent cannot tell");
    }
  }
  auto agent = open_agent(vm);
  if (!agent) return fail(agent.error());
  auto disk = agent->disk(serial);
  if (!disk) return fail(disk.error());
  return GuestView{true, *std::move(disk)};
}

Result<bool> QemuHypervisor::pause(const std::string& vm) {
  auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  auto qmp = open(vm);
  if (!qmp) return fail(qmp.error());
  const auto running = qemu::is_running(*qmp);
  if (!running || !*running) return running;
  auto stopped = qmp->execute("stop", {}, options_.agent.freeze);
  if (!stopped) return fail(stopped.error());
  return true;
}

Result<void> QemuHypervisor::resume(const std::string& vm) {
  auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  auto qmp = open_if_on(vm);
  if (!qmp) return fail(qmp.error());
  if (!*qmp) return {};
  const auto running = qemu::is_running(**qmp);
  if (!running) return fail(running.error());
  if (*running) return {};
  auto resumed = (*qmp)->execute("cont");
  if (!resumed) return fail(resumed.error());
  return {};
}

Result<FileFreeze> QemuHypervisor::freeze_files(const std::string& vm) {
  auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  auto agent = open_agent(vm);
  if (!agent) return fail(agent.error());
  return agent->freeze_files();
}

Result<void> QemuHypervisor::thaw_files(const std::string& vm) {
  auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  auto qmp = open_if_on(vm);
  if (!qmp) return fail(qmp.error());
  if (!*qmp) return {};
  *qmp = std::nullopt;
  auto agent = open_agent(vm);
  if (!agent) return fail(agent.error());
  return agent->thaw_files();
}

}  // namespace vbs::vmm_delegate
