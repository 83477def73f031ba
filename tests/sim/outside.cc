#include "tests/sim/outside.h"

namespace vbs::sim {

namespace {

class OutsideCopy final : public volume_delegate::PreparedCopy {
 public:
  OutsideCopy(std::unique_ptr<volume_delegate::PreparedCopy> real, Moments& moments)
      : real_(std::move(real)), moments_(moments) {}

  std::uint64_t size_bytes() const override { return real_->size_bytes(); }
  bool at_once() const override { return real_->at_once(); }
  Result<void> run(volume_delegate::CopyControl& control) override {
    return moments_.around("store.copy", [&] { return real_->run(control); });
  }

 private:
  std::unique_ptr<volume_delegate::PreparedCopy> real_;
  Moments& moments_;
};

}  // namespace

OutsideStore::Prepared OutsideStore::wrap(Prepared made) {
  if (!made) return made;
  return std::make_unique<OutsideCopy>(*std::move(made), moments_);
}

Result<volume_delegate::StoreSpace> OutsideStore::space() {
  return moments_.around("store.space", [&] { return real_.space(); });
}

Result<volume_delegate::StoreListing> OutsideStore::list() {
  return moments_.around("store.list", [&] { return real_.list(); });
}

Result<volume_delegate::StoredVolume> OutsideStore::find_volume(const Uuid& id) {
  return moments_.around("store.find_volume", [&] { return real_.find_volume(id); });
}

Result<volume_delegate::StoredSnapshot> OutsideStore::find_snapshot(const Uuid& id) {
  return moments_.around("store.find_snapshot", [&] { return real_.find_snapshot(id); });
}

Result<std::uint64_t> OutsideStore::source_size(const ObjectRef& source) {
  return moments_.around("store.source_size", [&] { return real_.source_size(source); });
}

OutsideStore::Prepared OutsideStore::prepare_empty(const Uuid& id, std::uint64_t size_bytes) {
  return moments_.around("store.prepare_empty",
                         [&] { return wrap(real_.prepare_empty(id, size_bytes)); });
}

OutsideStore::Prepared OutsideStore::prepare_volume(const Uuid& id, std::uint64_t size_bytes,
                                                    const ObjectRef& source) {
  return moments_.around("store.prepare_volume",
                         [&] { return wrap(real_.prepare_volume(id, size_bytes, source)); });
}

OutsideStore::Prepared OutsideStore::prepare_snapshot(const Uuid& id, const Uuid& volume) {
  return moments_.around("store.prepare_snapshot",
                         [&] { return wrap(real_.prepare_snapshot(id, volume)); });
}

Result<volume_delegate::Growth> OutsideStore::grow_volume(const Uuid& id,
                                                          std::uint64_t size_bytes) {
  return moments_.around("store.grow_volume", [&] { return real_.grow_volume(id, size_bytes); });
}

Result<volume_delegate::Removal> OutsideStore::remove_volume(const Uuid& id) {
  return moments_.around("store.remove_volume", [&] { return real_.remove_volume(id); });
}

Result<volume_delegate::Removal> OutsideStore::remove_snapshot(const Uuid& id) {
  return moments_.around("store.remove_snapshot", [&] { return real_.remove_snapshot(id); });
}

Result<volume_delegate::DaemonState> OutsideTarget::ensure_running() {
  return moments_.around("target.ensure_running", [&] { return real_.ensure_running(); });
}

Result<std::vector<volume_delegate::TargetView>> OutsideTarget::list() {
  return moments_.around("target.list", [&] { return real_.list(); });
}

Result<void> OutsideTarget::apply(const volume_delegate::TargetSpec& spec) {
  return moments_.around("target.apply", [&] { return real_.apply(spec); });
}

Result<void> OutsideTarget::refresh_size(const volume_delegate::TargetSpec& spec) {
  return moments_.around("target.refresh_size", [&] { return real_.refresh_size(spec); });
}

Result<void> OutsideTarget::fence(const std::string& iqn) {
  return moments_.around("target.fence", [&] { return real_.fence(iqn); });
}

Result<void> OutsideTarget::remove(const std::string& iqn, const std::string& chap_user) {
  return moments_.around("target.remove", [&] { return real_.remove(iqn, chap_user); });
}

Result<std::vector<std::string>> OutsideRecords::names() {
  return moments_.around("records.names", [&] { return real_.names(); });
}

Result<std::string> OutsideRecords::read(const std::string& name) {
  return moments_.around("records.read", [&] { return real_.read(name); });
}

Result<void> OutsideRecords::write(const std::string& name, std::string_view text) {
  return moments_.around("records.write", [&] { return real_.write(name, text); });
}

Result<void> OutsideRecords::remove(const std::string& name) {
  return moments_.around("records.remove", [&] { return real_.remove(name); });
}

Result<std::vector<wire::VmStatus>> OutsideHypervisor::vms() {
  return moments_.around("hypervisor.vms", [&] { return real_.vms(); });
}

Result<wire::VmStatus> OutsideHypervisor::vm(const std::string& name) {
  return moments_.around("hypervisor.vm", [&] { return real_.vm(name); });
}

Result<vmm_delegate::VmView> OutsideHypervisor::look(const std::string& vm) {
  return moments_.around("hypervisor.look", [&] { return real_.look(vm); });
}

Result<vmm_delegate::Visit> OutsideHypervisor::visit(const std::string& vm) {
  return moments_.around("hypervisor.visit", [&] { return real_.visit(vm); });
}

Result<wire::DeviceStatus> OutsideHypervisor::attach(const Uuid& attachment,
                                                     const wire::DeviceSpec& spec,
                                                     const std::string& host_path) {
  return moments_.around("hypervisor.attach",
                         [&] { return real_.attach(attachment, spec, host_path); });
}

Result<vmm_delegate::Detachment> OutsideHypervisor::detach(const std::string& vm,
                                                           const Uuid& attachment) {
  return moments_.around("hypervisor.detach", [&] { return real_.detach(vm, attachment); });
}

Result<void> OutsideHypervisor::resize(const std::string& vm, const Uuid& attachment,
                                       std::uint64_t size_bytes) {
  return moments_.around("hypervisor.resize",
                         [&] { return real_.resize(vm, attachment, size_bytes); });
}

Result<bool> OutsideHypervisor::pause(const std::string& vm) {
  return moments_.around("hypervisor.pause", [&] { return real_.pause(vm); });
}

Result<std::int64_t> OutsideHypervisor::writes(const std::string& vm) {
  return moments_.around("hypervisor.writes", [&] { return real_.writes(vm); });
}

Result<void> OutsideHypervisor::resume(const std::string& vm) {
  return moments_.around("hypervisor.resume", [&] { return real_.resume(vm); });
}

Result<vmm_delegate::FileFreeze> OutsideHypervisor::freeze_files(const std::string& vm) {
  return moments_.around("hypervisor.freeze_files", [&] { return real_.freeze_files(vm); });
}

Result<void> OutsideHypervisor::thaw_files(const std::string& vm) {
  return moments_.around("hypervisor.thaw_files", [&] { return real_.thaw_files(vm); });
}

Result<wire::SessionStatus> OutsideInitiator::log_in(const Uuid& attachment,
                                                     const wire::SessionSpec& session) {
  return moments_.around("initiator.log_in", [&] { return real_.log_in(attachment, session); });
}

Result<wire::SessionStatus> OutsideInitiator::refresh_size(const Uuid& attachment,
                                                           const wire::SessionSpec& session) {
  return moments_.around("initiator.refresh_size",
                         [&] { return real_.refresh_size(attachment, session); });
}

Result<void> OutsideInitiator::prove_shown(const Uuid& attachment,
                                           const wire::SessionSpec& session) {
  return moments_.around("initiator.prove_shown",
                         [&] { return real_.prove_shown(attachment, session); });
}

Result<void> OutsideInitiator::log_out(const Uuid& attachment) {
  return moments_.around("initiator.log_out", [&] { return real_.log_out(attachment); });
}

Result<std::vector<wire::SessionStatus>> OutsideInitiator::sessions() {
  return moments_.around("initiator.sessions", [&] { return real_.sessions(); });
}

Result<void> OutsideLeaseHelper::arm(const Uuid& freeze) {
  return moments_.around("helper.arm", [&] { return real_.arm(freeze); });
}

}  // namespace vbs::sim
