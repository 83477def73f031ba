#include "tests/fakes/fake_target_driver.h"

#include <algorithm>
#include <utility>

namespace vbs::fakes {

using volume_delegate::DaemonState;
using volume_delegate::TargetSession;
using volume_delegate::TargetSpec;
using volume_delegate::TargetView;

Result<void> FakeTargetDriver::enter(const std::string& call) {
  Fault fault;
  {
    std::lock_guard guard(mutex_);
    fault = fault_;
  }
  return fault ? fault(call) : Result<void>();
}

Result<void> FakeTargetDriver::check_running() const {
  if (running_) return {};
  return fail(ErrorCode::node_unavailable, "the target daemon does not run");
}

Result<DaemonState> FakeTargetDriver::ensure_running() {
  if (auto ok = enter("ensure_running"); !ok) return fail(ok.error());
  std::lock_guard guard(mutex_);
  if (running_) return DaemonState::found;
  if (!start_problem_.empty()) return fail(ErrorCode::node_unavailable, start_problem_);
  running_ = true;
  return DaemonState::started;
}

Result<std::vector<TargetView>> FakeTargetDriver::list() {
  if (auto ok = enter("list"); !ok) return fail(ok.error());
  std::lock_guard guard(mutex_);
  if (auto ok = check_running(); !ok) return fail(ok.error());
  std::vector<TargetView> out;
  for (const auto& [iqn, target] : targets_) {
    TargetView view;
    view.iqn = iqn;
    view.known = false;
    out.push_back(target.hidden ? view : target.view);
  }
  return out;
}

Result<void> FakeTargetDriver::apply(const TargetSpec& spec) {
  if (auto ok = enter("apply"); !ok) return ok;
  std::lock_guard guard(mutex_);
  if (auto ok = check_running(); !ok) return ok;
  const auto found = targets_.find(spec.iqn);
  if (found != targets_.end() && volume_delegate::serves(found->second.view, spec)) return {};
  for (const auto& [iqn, target] : targets_) {
    if (iqn != spec.iqn && target.view.number == spec.number) {
      return fail(ErrorCode::already_exists,
                  "target " + iqn + " has number " + std::to_string(spec.number));
    }
  }
  ++applied_;
  Target& target = targets_[spec.iqn];
  TargetView& view = target.view;
  if (found == targets_.end()) view.number = spec.number;
  if (view.device != spec.device) view.sessions.clear();
  view.iqn = spec.iqn;
  if (device_size_ && view.device != spec.device) view.size_bytes = device_size_(spec.device);
  view.device = spec.device;
  view.serial = spec.serial;
  view.read_only = spec.read_only;
  view.accounts = {spec.chap_user};
  view.allowed = {spec.initiator};
  target.secret = spec.chap_secret.reveal();
  return {};
}

bool FakeTargetDriver::grows_live() const {
  std::lock_guard guard(mutex_);
  return grows_live_;
}

Result<void> FakeTargetDriver::refresh_size(const TargetSpec& spec) {
  if (auto ok = enter("refresh_size"); !ok) return ok;
  std::lock_guard guard(mutex_);
  if (auto ok = check_running(); !ok) return ok;
  const auto found = targets_.find(spec.iqn);
  if (found == targets_.end()) return fail(ErrorCode::not_found, "no target " + spec.iqn);
  TargetView& view = found->second.view;
  if (!grows_live_) return TargetDriver::refresh_size(spec);
  if (device_size_) view.size_bytes = device_size_(view.device);
  return {};
}

Result<void> FakeTargetDriver::fence(const std::string& iqn) {
  if (auto ok = enter("fence"); !ok) return ok;
  std::lock_guard guard(mutex_);
  const auto found = targets_.find(iqn);
  if (found != targets_.end()) found->second.view.allowed.clear();
  return {};
}

Result<void> FakeTargetDriver::remove(const std::string& iqn, const std::string&) {
  if (auto ok = enter("remove"); !ok) return ok;
  std::lock_guard guard(mutex_);
  targets_.erase(iqn);
  return {};
}

void FakeTargetDriver::set_fault(Fault fault) {
  std::lock_guard guard(mutex_);
  fault_ = std::move(fault);
}

void FakeTargetDriver::set_device_size(DeviceSize size) {
  std::lock_guard guard(mutex_);
  device_size_ = std::move(size);
}

void FakeTargetDriver::set_grows_live(bool live) {
  std::lock_guard guard(mutex_);
  grows_live_ = live;
}

void FakeTargetDriver::kill_daemon() {
  std::lock_guard guard(mutex_);
  running_ = false;
  targets_.clear();
}

void FakeTargetDriver::set_start_problem(std::string problem) {
  std::lock_guard guard(mutex_);
  start_problem_ = std::move(problem);
}

bool FakeTargetDriver::log_in(const std::string& iqn, const std::string& initiator,
                              const std::string& user, const std::string& secret) {
  std::lock_guard guard(mutex_);
  const auto found = targets_.find(iqn);
  if (!running_ || found == targets_.end()) return false;
  Target& target = found->second;
  const auto has = [](const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  if (!has(target.view.allowed, initiator) || !has(target.view.accounts, user)) return false;
  if (target.secret != secret) return false;
  target.view.sessions.push_back({initiator, "127.0.0.1"});
  return true;
}

void FakeTargetDriver::log_out(const std::string& iqn, const std::string& initiator) {
  std::lock_guard guard(mutex_);
  const auto found = targets_.find(iqn);
  if (found == targets_.end()) return;
  std::erase_if(found->second.view.sessions,
                [&](const TargetSession& session) { return session.initiator == initiator; });
}

bool FakeTargetDriver::has_session(const std::string& iqn) const {
  std::lock_guard guard(mutex_);
  const auto found = targets_.find(iqn);
  return found != targets_.end() && !found->second.view.sessions.empty();
}

void FakeTargetDriver::add_foreign_target(const std::string& iqn, std::uint32_t number) {
  std::lock_guard guard(mutex_);
  TargetView view;
  view.iqn = iqn;
  view.number = number;
  targets_[iqn].view = view;
}

void FakeTargetDriver::delete_target(const std::string& iqn) {
  std::lock_guard guard(mutex_);
  targets_.erase(iqn);
}

void FakeTargetDriver::drop_rules(const std::string& iqn) {
  std::lock_guard guard(mutex_);
  const auto found = targets_.find(iqn);
  if (found != targets_.end()) found->second.view.allowed.clear();
}

void FakeTargetDriver::hide_target(const std::string& iqn, bool hidden) {
  std::lock_guard guard(mutex_);
  const auto found = targets_.find(iqn);
  if (found != targets_.end()) found->second.hidden = hidden;
}

std::vector<TargetView> FakeTargetDriver::targets() const {
  std::lock_guard guard(mutex_);
  std::vector<TargetView> out;
  for (const auto& [iqn, target] : targets_) out.push_back(target.view);
  return out;
}

std::size_t FakeTargetDriver::applied() const {
  std::lock_guard guard(mutex_);
  return applied_;
}

}  // namespace vbs::fakes
