// QemuHypervisor: what is asked of the guest, and holding it still.

#include "vmm_delegate/hypervisor/qemu/qemu.h"

namespace vbs::vmm_delegate {
namespace {

std::int64_t number_of(const json::Value& value, std::string_view key) {
  const json::Value* member = value.find(key);
  const auto* number = member == nullptr ? nullptr : member->as<std::int64_t>();
  return number == nullptr ? 0 : *number;
}

}  // namespace

Error QemuHypervisor::no_answer(const std::string& vm, const Error& why) {
  const std::string text = "VM '" + vm + "': the guest agent does not answer (";
  return {ErrorCode::timeout, text + why.message + ")", {}, {}, {}};
}

Result<GuestAgent> QemuHypervisor::open_agent(const std::string& vm) const {
  auto agent = GuestAgent::knock(agent_path(vm), options_.agent);
  if (!agent) return fail(no_answer(vm, agent.error()));
  if (auto ready = agent->synchronise(); !ready) return fail(no_answer(vm, ready.error()));
  return agent;
}

bool QemuHypervisor::agent_answers(const std::string& vm) {
  const auto guard = lock_agent(vm, options_.busy);
  if (!guard) return false;
  const auto status = this->vm(vm);
  return status && status->state == "running" && status->agent && open_agent(vm);
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

Result<std::int64_t> QemuHypervisor::writes(const std::string& vm) {
  auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  auto qmp = open(vm);
  if (!qmp) return fail(qmp.error());
  const auto answer = qmp->execute("query-blockstats");
  if (!answer) return fail(answer.error());
  const auto* disks = answer->as<json::Value::Array>();
  if (disks == nullptr) return fail(ErrorCode::internal, "QEMU's answer is no list");
  std::int64_t sum = 0;
  for (const json::Value& disk : *disks) {
    const json::Value* stats = disk.find("stats");
    if (stats == nullptr) return fail(ErrorCode::internal, "QEMU's answer has no \"stats\"");
    for (const char* name : {"wr_operations", "unmap_operations"}) sum += number_of(*stats, name);
  }
  return sum;
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
  const auto guard = lock_agent(vm, options_.busy);
  if (!guard) return fail(guard.error());
  auto agent = open_agent(vm);
  if (!agent) return fail(agent.error());
  return agent->freeze_files();
}

Result<void> QemuHypervisor::thaw_files(const std::string& vm) {
  const auto guard = lock_agent(vm, options_.busy);
  if (!guard) return fail(guard.error());
  const auto status = this->vm(vm);
  if (!status && status.error().code != ErrorCode::not_found) return fail(status.error());
  if (!status || status->state == "off") return {};
  auto agent = open_agent(vm);
  if (!agent) return fail(agent.error());
  return agent->thaw_files();
}

}  // namespace vbs::vmm_delegate
