// XenHypervisor: taking disks away from a VM, and what a disk of it may become.

#include <poll.h>

#include "common/fault_point.h"
#include "vmm_delegate/hypervisor/vm_words.h"
#include "vmm_delegate/hypervisor/xen/xen.h"

namespace vbs::vmm_delegate {
namespace {

constexpr int kPollMs = 50;
/// What the kernel does once xl has ended takes milliseconds.
constexpr Milliseconds kGoneWait{1'000};

}  // namespace

Result<bool> XenHypervisor::gone(const xen::Domain& domain, const xen::Vbd& vbd) const {
  auto store = open();
  if (!store) return fail(store.error());
  const auto now = xen::vbd_of(*store, *domain.id, vbd.disk.number);
  if (!now) return fail(now.error());
  // Only when the back end is gone too is the host device closed.
  return !*now && !sysfs_.serves(*domain.id, vbd);
}

Result<bool> XenHypervisor::await_gone(const xen::Domain& domain, const xen::Vbd& vbd,
                                       Milliseconds limit) const {
  const MonotonicTime deadline = deadline_in(limit);
  while (true) {
    auto is_gone = gone(domain, vbd);
    if (!is_gone || *is_gone || poll_timeout(deadline) == 0) return is_gone;
    ::poll(nullptr, 0, kPollMs);
  }
}

Result<bool> XenHypervisor::let_go(const xen::Domain& domain, const xen::Vbd& vbd) const {
  const MonotonicTime deadline = deadline_in(options_.let_go);
  while (true) {
    auto store = open();
    if (!store) return fail(store.error());
    const auto now = xen::vbd_of(*store, *domain.id, vbd.disk.number);
    if (!now) return fail(now.error());
    if (!*now || (*now)->back == xen::XenbusState::closed) return true;
    if (poll_timeout(deadline) == 0) return false;
    ::poll(nullptr, 0, kPollMs);
  }
}

Result<bool> XenHypervisor::release(const xen::Domain& domain, const xen::Vbd& vbd) const {
  const bool force = vbd.untouched();
  if (vbd.releasing() && !force) {
    // It was asked before: the tool would only wait for it. Once it has, the tool tidies up.
    const auto done = let_go(domain, vbd);
    if (!done || !*done) return done;
  }
  fault_point("vmmd.detach.before-device-del");
  const auto asked = tools_.block_detach(domain, vbd.disk, force);
  fault_point("vmmd.detach.after-device-del");
  const auto is_gone = await_gone(domain, vbd, kGoneWait);
  if (!is_gone || *is_gone || asked) return is_gone;
  auto store = open();
  if (!store) return fail(store.error());
  const auto left = xen::vbd_of(*store, *domain.id, vbd.disk.number);
  if (!left) return fail(left.error());
  // The tool gives up on a guest that keeps the device; else it has not even asked.
  if (*left && (*left)->online) return fail(asked.error());
  return false;
}

/// A domain that is off and kept (on_crash = "preserve") lets go of nothing by itself.
Result<Detachment> XenHypervisor::judge_held(const xen::Domain& domain,
                                             const std::vector<xen::Vbd>& held) const {
  const auto now = this->domain(domain.name);
  const bool off = now ? now->state == "off" : now.error().code == ErrorCode::not_found;
  if (!off) {
    const bool paused = now && now->state == "paused";
    const std::string vm = "VM '" + domain.name + "'";
    return Detachment{paused ? vm + " is paused; it lets go of the device when it runs"
                             : "the guest of " + vm + " has not let go of the device"};
  }
  for (const xen::Vbd& vbd : held) {
    const auto done = tools_.block_detach(domain, vbd.disk, true);
    const auto is_gone = await_gone(domain, vbd, kGoneWait);
    if (!is_gone) return fail(is_gone.error());
    if (!*is_gone && !done) return fail(done.error());
    if (!*is_gone) return Detachment{"Xen has not taken the device from a VM that is off"};
  }
  return Detachment{};
}

Result<Detachment> XenHypervisor::detach(const std::string& vm, const Uuid& attachment) {
  const auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  const auto domain = running_domain(vm);
  if (!domain) return fail(domain.error());
  if (!*domain) return Detachment{};
  const auto shown = vbds(**domain, attachment);
  if (!shown) return fail(shown.error());
  std::vector<xen::Vbd> held;
  for (const xen::Vbd& vbd : *shown) {
    const auto is_gone = release(**domain, vbd);
    if (!is_gone) {
      return fail(in_vm(vm, is_gone.error()));
    }
    if (!*is_gone) held.push_back(vbd);
  }
  return held.empty() ? Detachment{} : judge_held(**domain, held);
}

/// The back end looks at the size of its device ten times a second, writes it to xenstore and wakes
/// the guest's front end; nobody has to ask it.
Result<void> XenHypervisor::resize(const std::string& vm, const Uuid& attachment,
                                   std::uint64_t size_bytes) {
  const auto found = domain(vm);
  if (!found) return fail(found.error());
  if (found->state == "off") return {};
  const std::uint64_t sectors = size_bytes / xen::kSectorSize;
  const MonotonicTime deadline = deadline_in(options_.resize);
  while (true) {
    const auto held = vbds(*found, attachment);
    if (!held) return fail(held.error());
    if (held->empty()) {
      return fail(ErrorCode::not_found,
                  "VM '" + vm + "' shows no device of attachment " + attachment.str());
    }
    const auto below = sysfs_.sectors(held->front());
    if (!below) return fail(below.error());
    if (*below < sectors) {
      return fail(ErrorCode::node_unavailable, "the host device " + held->front().path + " has " +
                                                   std::to_string(*below * xen::kSectorSize) +
                                                   " bytes, not " + std::to_string(size_bytes));
    }
    // A guest that has not taken the disk yet will see the size when it does.
    if (held->front().sectors.value_or(sectors) >= sectors) return {};
    if (poll_timeout(deadline) == 0) {
      return fail(ErrorCode::timeout, "VM '" + vm + "' was not told the new size of its device");
    }
    ::poll(nullptr, 0, kPollMs);
  }
}

}  // namespace vbs::vmm_delegate
