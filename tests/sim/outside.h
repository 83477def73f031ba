#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/moments.h"
#include "vmm_delegate/freeze/lease_helper.h"
#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/initiator/initiator.h"
#include "volume_delegate/record_folder.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/target/target_driver.h"

namespace vbs::sim {

/// What a delegate has to do with, so that every call to it is a moment of the world. `real` and
/// the moments outlive it.
class OutsideStore final : public volume_delegate::BackingStore {
 public:
  using ObjectRef = volume_delegate::ObjectRef;
  using Prepared = Result<std::unique_ptr<volume_delegate::PreparedCopy>>;

  OutsideStore(volume_delegate::BackingStore& real, Moments& moments)
      : real_(real), moments_(moments) {}

  std::string name() const override { return real_.name(); }
  bool snapshots_need_volume() const override { return real_.snapshots_need_volume(); }
  Result<volume_delegate::StoreSpace> space() override;
  Result<volume_delegate::StoreListing> list() override;
  Result<volume_delegate::StoredVolume> find_volume(const Uuid& id) override;
  Result<volume_delegate::StoredSnapshot> find_snapshot(const Uuid& id) override;
  Result<std::uint64_t> source_size(const ObjectRef& source) override;
  Prepared prepare_empty(const Uuid& id, std::uint64_t size_bytes) override;
  Prepared prepare_volume(const Uuid& id, std::uint64_t size_bytes,
                          const ObjectRef& source) override;
  Prepared prepare_snapshot(const Uuid& id, const Uuid& volume) override;
  Result<volume_delegate::Growth> grow_volume(const Uuid& id, std::uint64_t size_bytes) override;
  Result<volume_delegate::Removal> remove_volume(const Uuid& id) override;
  Result<volume_delegate::Removal> remove_snapshot(const Uuid& id) override;
  std::string device(const Uuid& volume) const override { return real_.device(volume); }

 private:
  Prepared wrap(Prepared made);

  volume_delegate::BackingStore& real_;
  Moments& moments_;
};

class OutsideTarget final : public volume_delegate::TargetDriver {
 public:
  OutsideTarget(volume_delegate::TargetDriver& real, Moments& moments)
      : real_(real), moments_(moments) {}

  std::string name() const override { return real_.name(); }
  std::string portal() const override { return real_.portal(); }
  Result<volume_delegate::DaemonState> ensure_running() override;
  Result<std::vector<volume_delegate::TargetView>> list() override;
  Result<void> apply(const volume_delegate::TargetSpec& spec) override;
  bool grows_live() const override { return real_.grows_live(); }
  Result<void> refresh_size(const volume_delegate::TargetSpec& spec) override;
  Result<void> fence(const std::string& iqn) override;
  Result<void> remove(const std::string& iqn, const std::string& chap_user) override;

 private:
  volume_delegate::TargetDriver& real_;
  Moments& moments_;
};

class OutsideRecords final : public volume_delegate::RecordFolder {
 public:
  OutsideRecords(volume_delegate::RecordFolder& real, Moments& moments)
      : real_(real), moments_(moments) {}

  Result<std::vector<std::string>> names() override;
  Result<std::string> read(const std::string& name) override;
  Result<void> write(const std::string& name, std::string_view text) override;
  Result<void> remove(const std::string& name) override;

 private:
  volume_delegate::RecordFolder& real_;
  Moments& moments_;
};

class OutsideHypervisor final : public vmm_delegate::Hypervisor {
 public:
  OutsideHypervisor(vmm_delegate::Hypervisor& real, Moments& moments)
      : real_(real), moments_(moments) {}

  std::string_view driver() const override { return real_.driver(); }
  Result<void> check() override { return real_.check(); }
  Result<std::vector<wire::VmStatus>> vms() override;
  Result<wire::VmStatus> vm(const std::string& name) override;
  Result<vmm_delegate::VmView> look(const std::string& vm) override;
  Result<vmm_delegate::Visit> visit(const std::string& vm) override;
  Result<wire::DeviceStatus> attach(const Uuid& attachment, const wire::DeviceSpec& spec,
                                    const std::string& host_path) override;
  Result<vmm_delegate::Detachment> detach(const std::string& vm, const Uuid& attachment) override;
  Result<void> resize(const std::string& vm, const Uuid& attachment,
                      std::uint64_t size_bytes) override;
  bool agent_answers(const std::string& vm) override { return real_.agent_answers(vm); }
  Result<bool> pause(const std::string& vm) override;
  Result<std::int64_t> writes(const std::string& vm) override;
  Result<void> resume(const std::string& vm) override;
  Result<vmm_delegate::FileFreeze> freeze_files(const std::string& vm) override;
  Result<void> thaw_files(const std::string& vm) override;

 private:
  vmm_delegate::Hypervisor& real_;
  Moments& moments_;
};

class OutsideInitiator final : public vmm_delegate::Initiator {
 public:
  OutsideInitiator(vmm_delegate::Initiator& real, Moments& moments)
      : real_(real), moments_(moments) {}

  bool is_host() const override { return real_.is_host(); }
  Result<wire::SessionStatus> log_in(const Uuid& attachment,
                                     const wire::SessionSpec& session) override;
  Result<wire::SessionStatus> refresh_size(const Uuid& attachment,
                                           const wire::SessionSpec& session) override;
  Result<void> prove_shown(const Uuid& attachment, const wire::SessionSpec& session) override;
  Result<void> log_out(const Uuid& attachment) override;
  void bring_back() override { real_.bring_back(); }
  Result<std::vector<wire::SessionStatus>> sessions() override;

 private:
  vmm_delegate::Initiator& real_;
  Moments& moments_;
};

class OutsideLeaseHelper final : public vmm_delegate::LeaseHelper {
 public:
  OutsideLeaseHelper(vmm_delegate::LeaseHelper& real, Moments& moments)
      : real_(real), moments_(moments) {}

  Result<void> arm(const Uuid& freeze) override;
  bool armed(const Uuid& freeze) override { return real_.armed(freeze); }

 private:
  vmm_delegate::LeaseHelper& real_;
  Moments& moments_;
};

}  // namespace vbs::sim
