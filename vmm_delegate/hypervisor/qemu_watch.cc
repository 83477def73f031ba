// QemuHypervisor: watching a disk come and go in the guest.

#include <poll.h>

#include <algorithm>

#include "vmm_delegate/hypervisor/qemu.h"

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

class QemuHypervisor::Watch final : public GuestWatch {
 public:
  Watch(QemuHypervisor& qemu, wire::VmStatus vm, std::string serial)
      : qemu_(qemu), vm_(std::move(vm)), serial_(std::move(serial)) {
    // When it fails, or the agent is busy, the first look tries again and tells why.
    static_cast<void>(begin(Milliseconds(0)));
  }

  Result<GuestView> look() override { return ask(&GuestAgent::disk); }
  Result<GuestView> look_at_mounts() override { return ask(&GuestAgent::mounted_disk); }

  Result<GuestView> wait_until(bool shown, Milliseconds wait) override {
    const MonotonicTime deadline = deadline_in(wait);
    MonotonicTime rest_at = deadline_in(kHold);
    while (true) {
      auto view = look();
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
  bool has_agent() const { return vm_.state != "off" && vm_.agent; }

  /// Connects, unless that is done.
  Result<void> begin(Milliseconds patience) {
    if (agent_ || !has_agent()) return {};
    if (vm_.state != "running") {
      return fail(ErrorCode::conflict,
                  "VM '" + vm_.name + "' is " + vm_.state + ", so its guest agent cannot tell");
    }
    auto guard = qemu_.lock_agent(vm_.name, patience);
    if (!guard) return fail(guard.error());
    auto agent = GuestAgent::knock(qemu_.agent_path(vm_.name), qemu_.options_.agent);
    if (!agent) return fail(no_answer(vm_.name, agent.error()));
    guard_.emplace(*std::move(guard));
    agent_.emplace(*std::move(agent));
    synchronised_ = false;
    return {};
  }

  using Ask = Result<std::optional<GuestDisk>> (GuestAgent::*)(std::string_view serial);

  Result<GuestView> ask(Ask question) {
    if (!has_agent()) return GuestView{};
    auto disk = converse(question);
    if (disk) return GuestView{true, *std::move(disk)};
    rest();
    return fail(disk.error());
  }

  Result<std::optional<GuestDisk>> converse(Ask question) {
    if (auto begun = begin(qemu_.options_.busy); !begun) return fail(begun.error());
    if (!synchronised_) {
      if (auto ready = agent_->synchronise(); !ready)
        return fail(no_answer(vm_.name, ready.error()));
      synchronised_ = true;
    }
    return ((*agent_).*question)(serial_);
  }

  void rest() {
    agent_.reset();
    guard_.reset();
  }

  QemuHypervisor& qemu_;
  const wire::VmStatus vm_;
  const std::string serial_;
  std::optional<KeyedLock::Guard> guard_;  ///< of the agent
  std::optional<GuestAgent> agent_;
  bool synchronised_ = false;
};

std::unique_ptr<GuestWatch> QemuHypervisor::watch_guest(const wire::VmStatus& vm,
                                                        const std::string& serial) {
  return std::make_unique<Watch>(*this, vm, serial);
}

}  // namespace vbs::vmm_delegate
