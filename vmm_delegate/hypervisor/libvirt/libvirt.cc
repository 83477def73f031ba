#include "vmm_delegate/hypervisor/libvirt/libvirt.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "common/names.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_plug.h"

namespace vbs::vmm_delegate {

using libvirt::Domain;

namespace {

/// One VM that hangs holds up one of them.
constexpr std::size_t kLooksAtOnce = 8;

/// Calls `act` for each number below `count`, several at once.
void for_each_of(std::size_t count, const std::function<void(std::size_t)>& act) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) act(i);
  };
  std::vector<std::thread> helpers;
  try {
    while (helpers.size() + 1 < std::min(count, kLooksAtOnce)) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // Fewer do it too.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
}

Result<std::vector<std::string>> names_of(libvirt::SessionPool& sessions) {
  auto session = sessions.take();
  if (!session) return fail(session.error());
  auto all = (*session)->names();
  sessions.give_back(*std::move(session));
  return all;
}

}  // namespace

LibvirtHypervisor::LibvirtHypervisor(LibvirtOptions options)
    : shared_(std::make_shared<Shared>(std::move(options))),
      health_([shared = shared_]() -> Result<void> {
        const auto names = names_of(shared->sessions);
        return names ? Result<void>() : fail(names.error());
      }),
      calls_(shared_->options.max_calls, "libvirt") {}

Result<void> LibvirtHypervisor::check() {
  return health_.answer(calls_, shared_->options.check);
}

Result<std::vector<wire::VmStatus>> LibvirtHypervisor::vms() {
  using Names = std::vector<std::string>;
  auto names = calls_.run<Names>(shared_->options.look,
                                 [shared = shared_] { return names_of(shared->sessions); });
  if (!names) return fail(names.error());
  std::erase_if(*names, [](const std::string& name) { return !check_node_name(name, "vm"); });
  std::vector<std::optional<wire::VmStatus>> found(names->size());
  for_each_of(names->size(), [&](std::size_t i) {
    auto status = vm((*names)[i]);
    if (!status && status.error().code == ErrorCode::not_found) return;  // gone since listed
    found[i] = status ? *std::move(status) : wire::VmStatus{(*names)[i], "unknown", false};
  });
  std::vector<wire::VmStatus> statuses;
  for (auto& status : found) {
    if (status) statuses.push_back(*std::move(status));
  }
  return statuses;
}

Result<wire::VmStatus> LibvirtHypervisor::vm(const std::string& name) {
  auto view = look(name);
  if (!view) return fail(view.error());
  return std::move(view->status);
}

Result<VmView> LibvirtHypervisor::look(const std::string& vm) {
  return in_vm<VmView>(
      kLook, vm, [vm](const LibvirtOptions&, Domain& domain) { return libvirt::look(domain, vm); });
}

}  // namespace vbs::vmm_delegate
