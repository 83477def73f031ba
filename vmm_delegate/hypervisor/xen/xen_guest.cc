// XenHypervisor: what is asked of the guest, and holding it still.

#include "vmm_delegate/hypervisor/xen/xen.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kPaused = "paused";
constexpr std::string_view kOff = "off";

/// A paravirtual guest has no channel to an agent, so that nothing can be asked.
class NoTalk final : public GuestTalk {
 public:
  Result<GuestView> look(std::string_view) override { return GuestView{}; }
  Result<GuestView> look_at_mounts(std::string_view) override { return GuestView{}; }
  Result<GuestView> wait_until(bool, std::string_view, Milliseconds) override {
    return GuestView{};
  }
};

}  // namespace

Result<Visit> XenHypervisor::visit(const std::string& vm) {
  auto view = look(vm);
  if (!view) return fail(view.error());
  return Visit{*std::move(view), std::make_unique<NoTalk>()};
}

bool XenHypervisor::agent_answers(const std::string&) {
  return false;
}

Result<bool> XenHypervisor::pause(const std::string& vm) {
  const auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  const auto before = domain(vm);
  if (!before) return fail(before.error());
  if (before->state == kOff) return fail(ErrorCode::conflict, "VM '" + vm + "' is off");
  if (before->state == kPaused) return false;
  if (auto done = tools_.pause(*before); !done) return fail(done.error());
  const auto after = domain(vm);
  if (!after) return fail(after.error());
  if (after->state == kPaused) return true;
  return fail(ErrorCode::timeout, "VM '" + vm + "' was paused and is " + after->state);
}

Result<std::int64_t> XenHypervisor::writes(const std::string& vm) {
  const auto found = domain(vm);
  if (!found) return fail(found.error());
  if (found->state == kOff) return fail(ErrorCode::conflict, "VM '" + vm + "' is off");
  // Of the disks that dom0's kernel serves, which is how every volume is shown.
  const auto all = vbds(*found);
  if (!all) return fail(all.error());
  std::int64_t sum = 0;
  for (const xen::Vbd& vbd : *all) sum += sysfs_.writes(*found->id, vbd);
  return sum;
}

Result<void> XenHypervisor::resume(const std::string& vm) {
  const auto guard = lock(vm);
  if (!guard) return fail(guard.error());
  const auto before = domain(vm);
  if (!before && before.error().code == ErrorCode::not_found) return {};
  if (!before) return fail(before.error());
  if (before->state != kPaused) return {};
  if (auto done = tools_.unpause(*before); !done) return fail(done.error());
  const auto after = domain(vm);
  if (!after && after.error().code != ErrorCode::not_found) return fail(after.error());
  if (!after || after->state != kPaused) return {};
  return fail(ErrorCode::overloaded,
              "VM '" + vm + "' is still paused: it was paused more than once");
}

Result<FileFreeze> XenHypervisor::freeze_files(const std::string& vm) {
  return fail(ErrorCode::conflict, "the guest of VM '" + vm + "' has no agent");
}

Result<void> XenHypervisor::thaw_files(const std::string&) {
  return {};
}

}  // namespace vbs::vmm_delegate
