// QemuHypervisor: asking a guest about disks that come and go.

#include <poll.h>

#include <algorithm>

#include "vmm_delegate/hypervisor/qemu/qemu.h"

namespace vbs::vmm_delegate {
namespace {

/// Between two questions: a guest takes some ten milliseconds to see a change, and each question
/// costs it some of its time.
constexpr Milliseconds kPause{10};
/// How long the agent is held, and left to others, while a guest takes longer.
constexpr Milliseconds kHold{500};
constexpr Milliseconds kRest{100};

void sleep_until(MonotonicTime deadline, Milliseconds longest) {
  ::poll(nullptr, 0, std::min(poll_timeout(deadline), static_cast<int>(longest.count())));
}

}  // namespace

class QemuHypervisor::Talk final : public GuestTalk {
 public:
  Talk(QemuHypervisor& qemu, std::string vm) : qemu_(qemu) {
    vm_.name = std::move(vm);
    vm_.agent = true;
    vm_.state = "running";
    // When it fails, or the agent is busy, the first question tries again and tells why.
    static_cast<void>(knock(Milliseconds(0)));
  }

  /// What QEMU says of the VM, heard only after the knock.
  void learn(const wire::VmStatus& vm) {
    vm_ = vm;
    if (!can_answer()) rest();
  }

  Result<GuestView> look(std::string_view serial) override {
    return ask(&GuestAgent::disk, serial);
  }
  Result<GuestView> look_at_mounts(std::string_view serial) override {
    return ask(&GuestAgent::mounted_disk, serial);
  }

  Result<GuestView> wait_until(bool shown, std::string_view serial, Milliseconds wait) override {
    const MonotonicTime deadline = deadline_in(wait);
    MonotonicTime rest_at = deadline_in(kHold);
    while (true) {
      auto view = look(serial);
      if (!view || !view->agent || view->disk.has_value() == shown) return view;
      if (poll_timeout(deadline) == 0) return view;
      sleep_until(deadline, kPause);
      if (poll_timeout(rest_at) > 0) continue;
      rest();
      sleep_until(deadline, kRest);
      rest_at = deadline_in(kHold);
    }
  }

 private:
  using Ask = Result<std::optional<GuestDisk>> (GuestAgent::*)(std::string_view serial);

  bool has_agent() const { return vm_.agent && vm_.state != "off"; }
  bool can_answer() const { return vm_.agent && vm_.state == "running"; }

  /// Connects, unless that is done.
  Result<void> knock(Milliseconds patience) {
    if (agent_) return {};
    auto guard = qemu_.lock_agent(vm_.name, patience);
    if (!guard) return fail(guard.error());
    auto agent = GuestAgent::knock(qemu_.agent_path(vm_.name), qemu_.options_.agent);
    if (!agent) return fail(no_answer(vm_.name, agent.error()));
    guard_.emplace(*std::move(guard));
    agent_.emplace(*std::move(agent));
    synchronised_ = false;
    return {};
  }

  Result<GuestView> ask(Ask question, std::string_view serial) {
    if (!has_agent()) return GuestView{};
    if (!can_answer()) {
      return fail(ErrorCode::conflict,
                  "VM '" + vm_.name + "' is " + vm_.state + ", so its guest agent cannot tell");
    }
    auto disk = converse(question, serial);
    if (disk) return GuestView{true, *std::move(disk)};
    rest();
    return fail(disk.error());
  }

  Result<std::optional<GuestDisk>> converse(Ask question, std::string_view serial) {
    if (auto begun = knock(qemu_.options_.busy); !begun) return fail(begun.error());
    if (!synchronised_) {
      if (auto ready = agent_->synchronise(); !ready) {
        return fail(no_answer(vm_.name, ready.error()));
      }
      synchronised_ = true;
    }
    return ((*agent_).*question)(serial);
  }

  void rest() {
    agent_.reset();
    guard_.reset();
  }

  QemuHypervisor& qemu_;
  wire::VmStatus vm_;
  std::optional<KeyedLock::Guard> guard_;  ///< of the agent
  std::optional<GuestAgent> agent_;
  bool synchronised_ = false;
};

Result<Visit> QemuHypervisor::visit(const std::string& vm) {
  auto talk = std::make_unique<Talk>(*this, vm);
  auto view = look(vm);
  if (!view) return fail(view.error());
  talk->learn(view->status);
  return Visit{*std::move(view), std::move(talk)};
}

}  // namespace vbs::vmm_delegate
