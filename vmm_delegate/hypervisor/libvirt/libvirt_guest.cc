// LibvirtHypervisor: what is asked of the guest's agent, which libvirt speaks with.

#include <poll.h>

#include <algorithm>

#include "vmm_delegate/hypervisor/guest_answers.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt.h"
#include "vmm_delegate/hypervisor/line_socket.h"
#include "vmm_delegate/hypervisor/qemu/qmp.h"

namespace vbs::vmm_delegate {
namespace {

using libvirt::Domain;
using libvirt::Power;

constexpr std::size_t kMaxAnswer = 1024 * 1024;
/// Between two questions: each costs the guest some of its time.
constexpr Milliseconds kPause{50};
/// Of an agent that answers at all.
constexpr Milliseconds kAnswer{2'000};

Result<json::Value> ask(const Domain& domain, std::string_view command) {
  const auto answer = domain.ask_agent(command_line(command, {}, 1), kAnswer);
  if (!answer) return fail(answer.error());
  return guest_result(command, *answer, kMaxAnswer);
}

}  // namespace

class LibvirtHypervisor::Talk final : public GuestTalk {
 public:
  Talk(LibvirtHypervisor& libvirt, wire::VmStatus vm) : libvirt_(libvirt), vm_(std::move(vm)) {}

  Result<GuestView> look(std::string_view serial) override {
    auto view = look_for("guest-get-disks", guest_disk, serial);
    if (!view || !view->disk) return view;
    auto mounts = look_at_mounts(serial);
    if (mounts && mounts->disk) view->disk->mountpoints = std::move(mounts->disk->mountpoints);
    return mounts ? view : mounts;
  }

  Result<GuestView> look_at_mounts(std::string_view serial) override {
    auto view = look_for("guest-get-fsinfo", guest_mounted_disk, serial);
    if (view || view.error().code != ErrorCode::not_found) return view;
    const auto known = look_for("guest-get-disks", guest_disk, serial);
    // It tells the number of this disk, so it would have told it with what is mounted, too.
    if (known && known->disk) return GuestView{true, std::nullopt};
    return view;
  }

  Result<GuestView> wait_until(bool shown, std::string_view serial, Milliseconds wait) override {
    const MonotonicTime deadline = deadline_in(wait);
    while (true) {
      auto view = look(serial);
      if (!view || !view->agent || view->disk.has_value() == shown) return view;
      const int left = poll_timeout(deadline);
      if (left == 0) return view;
      ::poll(nullptr, 0, std::min(left, static_cast<int>(kPause.count())));
    }
  }

 private:
  using Find = Result<std::optional<GuestDisk>> (*)(const json::Value& answer,
                                                    std::string_view serial);

  Result<GuestView> look_for(std::string_view command, Find find, std::string_view serial) {
    if (!vm_.agent || vm_.state == "off") return GuestView{};
    if (vm_.state != "running") {
      return fail(ErrorCode::conflict,
                  "VM '" + vm_.name + "' is " + vm_.state + ", so its guest agent cannot tell");
    }
    const auto answer = libvirt_.ask_agent(vm_.name, command);
    if (!answer) return fail(answer.error());
    auto disk = find(*answer, serial);
    if (!disk) return fail(disk.error());
    return GuestView{true, *std::move(disk)};
  }

  LibvirtHypervisor& libvirt_;
  const wire::VmStatus vm_;
};

Result<Visit> LibvirtHypervisor::visit(const std::string& vm) {
  auto view = look(vm);
  if (!view) return fail(view.error());
  auto talk = std::make_unique<Talk>(*this, view->status);
  return Visit{*std::move(view), std::move(talk)};
}

Result<json::Value> LibvirtHypervisor::ask_agent(const std::string& vm, std::string_view command) {
  return in_vm<json::Value>(
      kAgent, vm, [command = std::string(command)](const LibvirtOptions&, Domain& domain) {
        return ask(domain, command);
      });
}

bool LibvirtHypervisor::agent_answers(const std::string& vm) {
  const auto status = this->vm(vm);
  return status && status->state == "running" && status->agent &&
         ask_agent(vm, "guest-ping").has_value();
}

Result<FileFreeze> LibvirtHypervisor::freeze_files(const std::string& vm) {
  return in_vm<FileFreeze>(kAgent, vm,
                           [](const LibvirtOptions&, Domain& domain) -> Result<FileFreeze> {
                             const auto status = ask(domain, "guest-fsfreeze-status");
                             if (!status) return fail(status.error());
                             const auto is_frozen = guest_is_frozen(*status);
                             if (!is_frozen) return fail(is_frozen.error());
                             if (*is_frozen) return FileFreeze::was_frozen;
                             if (auto frozen = domain.freeze(); !frozen)
                               return fail(frozen.error());
                             return FileFreeze::frozen;
                           });
}

Result<void> LibvirtHypervisor::thaw_files(const std::string& vm) {
  auto thawed = in_vm<void>(kAgent, vm, [](const LibvirtOptions&, Domain& domain) -> Result<void> {
    const auto power = domain.power();
    if (!power) return fail(power.error());
    return *power == Power::off ? Result<void>() : domain.thaw();
  });
  if (!thawed && thawed.error().code == ErrorCode::not_found) return {};
  return thawed;
}

}  // namespace vbs::vmm_delegate
