#include "vmm_delegate/hypervisor/xen/xen.h"

#include <algorithm>

#include "vmm_delegate/hypervisor/vm_words.h"
#include "vmm_delegate/hypervisor/xen/xen_names.h"

namespace vbs::vmm_delegate {

XenHypervisor::XenHypervisor(XenOptions options)
    : options_(std::move(options)),
      tools_(options_.toolstack, options_.program, options_.limits),
      sysfs_(options_.sysfs) {}

Result<void> XenHypervisor::check() {
  if (auto found = tools_.program(); !found) return fail(found.error());
  if (auto store = open(); !store) return fail(store.error());
  return {};
}

Result<KeyedLock::Guard> XenHypervisor::lock(const std::string& vm) {
  return lock_vm(locks_, vm, options_.busy);
}

Result<Xenstore> XenHypervisor::open() const {
  return Xenstore::connect(options_.xenstore, options_.xenstore_limit);
}

Result<xen::Domain> XenHypervisor::domain(const std::string& vm) const {
  const auto all = tools_.domains();
  if (!all) return fail(all.error());
  const xen::Domain* found = nullptr;
  for (const xen::Domain& domain : *all) {
    // Of two (one that is not gone yet after a restart) the newer.
    if (domain.name == vm && (found == nullptr || domain.id > found->id)) found = &domain;
  }
  if (found != nullptr) return *found;
  return fail(ErrorCode::not_found,
              "there is no VM '" + vm + "' (" + tools_.name() + " list does not show it)");
}

Result<std::optional<xen::Domain>> XenHypervisor::running_domain(const std::string& vm) const {
  auto store = open();
  if (!store) return fail(store.error());
  const auto id = xen::domain_id(*store, vm);
  if (!id) return fail(id.error());
  if (!*id) return std::optional<xen::Domain>();
  return xen::Domain{vm, *id, "running"};
}

std::optional<Uuid> XenHypervisor::attachment_of(const xen::Vbd& vbd) const {
  return xen::attachment_of_path(vbd.path, options_.iqn_prefix);
}

Result<std::vector<xen::Vbd>> XenHypervisor::vbds(const xen::Domain& domain) const {
  if (!domain.id) return std::vector<xen::Vbd>();
  auto store = open();
  if (!store) return fail(store.error());
  return xen::vbds_of(*store, *domain.id);
}

Result<std::vector<xen::Vbd>> XenHypervisor::vbds(const xen::Domain& domain,
                                                  const Uuid& attachment) const {
  auto all = vbds(domain);
  if (!all) return all;
  std::erase_if(*all, [&](const xen::Vbd& vbd) { return attachment_of(vbd) != attachment; });
  return all;
}

wire::DeviceStatus XenHypervisor::status_of(const std::string& vm, const Uuid& attachment,
                                            const xen::Vbd& vbd) const {
  wire::DeviceStatus status;
  status.attachment = attachment;
  status.vm = vm;
  status.serial = sysfs_.serial(vbd);
  status.state = vbd.complete() ? "attached" : "detaching";
  status.read_only = vbd.read_only;
  status.size_bytes = vbd.sectors.value_or(0) * xen::kSectorSize;
  return status;
}

Result<wire::VmStatus> XenHypervisor::vm(const std::string& name) {
  const auto found = domain(name);
  if (!found) return fail(found.error());
  return wire::VmStatus{name, found->state, false};
}

Result<std::vector<wire::VmStatus>> XenHypervisor::vms() {
  const auto all = tools_.domains();
  if (!all) return fail(all.error());
  std::vector<wire::VmStatus> statuses;
  for (const xen::Domain& domain : *all) statuses.push_back({domain.name, domain.state, false});
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::stable_sort(statuses.begin(), statuses.end(), by_name);
  const auto same = [](const auto& a, const auto& b) { return a.name == b.name; };
  // xl lists the older domain first: of two with one name the last one is the VM.
  const auto last = std::unique(statuses.rbegin(), statuses.rend(), same);
  statuses.erase(statuses.begin(), last.base());
  return statuses;
}

Result<VmView> XenHypervisor::look(const std::string& vm) {
  const auto found = domain(vm);
  if (!found) return fail(found.error());
  VmView view{{vm, found->state, false}, {}};
  if (found->state == "off") return view;
  const auto all = vbds(*found);
  if (!all) return fail(all.error());
  for (const xen::Vbd& vbd : *all) {
    const auto attachment = attachment_of(vbd);
    if (attachment) view.devices.push_back(status_of(vm, *attachment, vbd));
  }
  return view;
}

}  // namespace vbs::vmm_delegate
