#include "vmm_delegate/hypervisor/libvirt/libvirt.h"

#include "common/names.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_plug.h"

namespace vbs::vmm_delegate {

using libvirt::Domain;

LibvirtHypervisor::LibvirtHypervisor(LibvirtOptions options)
    : shared_(std::make_shared<Shared>(std::move(options))),
      calls_(shared_->options.max_calls, "libvirt") {}

Result<void> LibvirtHypervisor::check() {
  return calls_.run<void>(shared_->options.look, [shared = shared_]() -> Result<void> {
    auto session = shared->sessions.take();
    if (!session) return fail(session.error());
    const auto names = (*session)->names();
    shared->sessions.give_back(*std::move(session));
    if (!names) return fail(names.error());
    return {};
  });
}

Result<std::vector<wire::VmStatus>> LibvirtHypervisor::vms() {
  using Names = std::vector<std::string>;
  const auto names =
      calls_.run<Names>(shared_->options.look, [shared = shared_]() -> Result<Names> {
        auto session = shared->sessions.take();
        if (!session) return fail(session.error());
        auto all = (*session)->names();
        shared->sessions.give_back(*std::move(session));
        return all;
      });
  if (!names) return fail(names.error());
  std::vector<wire::VmStatus> statuses;
  for (const std::string& name : *names) {
    if (!check_node_name(name, "vm")) continue;
    auto status = vm(name);
    if (!status && status.error().code == ErrorCode::not_found) continue;  // gone since listed
    statuses.push_back(status ? *std::move(status) : wire::VmStatus{name, "unknown", false});
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
