#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/bounded_calls.h"
#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_session.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_xml.h"
#include "vmm_delegate/hypervisor/libvirt/shared_question.h"
#include "vmm_delegate/hypervisor/storage_probe.h"
#include "vmm_delegate/hypervisor/vm_words.h"
#include "vmm_delegate/keyed_lock.h"

namespace vbs::vmm_delegate {

struct LibvirtOptions {
  std::string uri;  ///< "qemu:///system", "xen:///system"
  libvirt::DiskBus bus = libvirt::DiskBus::scsi;
  Milliseconds check{1'500};    ///< the longest that libvirt may take to tell whether it is there
  Milliseconds look{4'000};     ///< the same, to tell of a domain
  Milliseconds change{8'000};   ///< the same, to change something
  Milliseconds agent{5'000};    ///< the same, to ask a guest
  Milliseconds busy{3'000};     ///< how long a request waits for another one of the same VM
  Milliseconds removal{3'000};  ///< how long a guest gets to let go of a device
  std::size_t max_calls = 64;   ///< at once, those included that hang
  StorageProbe probe;           ///< asked before a disk is taken away, unless empty
};

/// libvirt's domains. Only those are shown whose names VBS allows (see check_node_name). They get
/// devices of the host, never targets of their own. Where a domain is defined persistently, its
/// definition is changed with it, so that it has its volumes when it is started again.
class LibvirtHypervisor final : public Hypervisor {
 public:
  explicit LibvirtHypervisor(LibvirtOptions options);

  std::string_view driver() const override { return "libvirt"; }
  Result<void> check() override;
  Result<std::vector<wire::VmStatus>> vms() override;
  Result<wire::VmStatus> vm(const std::string& name) override;
  Result<VmView> look(const std::string& vm) override;
  Result<Visit> visit(const std::string& vm) override;
  Result<wire::DeviceStatus> attach(const Uuid& attachment, const wire::DeviceSpec& spec,
                                    const std::string& host_path) override;
  Result<Detachment> detach(const std::string& vm, const Uuid& attachment) override;
  Result<void> resize(const std::string& vm, const Uuid& attachment,
                      std::uint64_t size_bytes) override;
  bool agent_answers(const std::string& vm) override;
  Result<bool> pause(const std::string& vm) override;
  Result<std::int64_t> writes(const std::string& vm) override;
  Result<void> resume(const std::string& vm) override;
  Result<FileFreeze> freeze_files(const std::string& vm) override;
  Result<void> thaw_files(const std::string& vm) override;

 private:
  class Talk;

  /// What calls use that are left behind, and so may outlive the hypervisor.
  struct Shared {
    explicit Shared(LibvirtOptions given) : options(std::move(given)), sessions(options.uri) {}
    const LibvirtOptions options;
    libvirt::SessionPool sessions;
    // By VM name, one for each kind of call: one that hangs must not keep the others from a VM.
    KeyedLock looks;
    KeyedLock changes;
    KeyedLock agents;
  };
  /// Which calls of one VM run one after the other, and for how long.
  struct Kind {
    KeyedLock Shared::*lock;
    Milliseconds LibvirtOptions::*limit;
  };
  static constexpr Kind kLook{&Shared::looks, &LibvirtOptions::look};
  static constexpr Kind kChange{&Shared::changes, &LibvirtOptions::change};
  static constexpr Kind kAgent{&Shared::agents, &LibvirtOptions::agent};

  template <class T>
  using Act = std::function<Result<T>(const LibvirtOptions& options, libvirt::Domain& domain)>;
  /// Runs `act` on a domain, bounded in time; not_found when there is none of this name.
  template <class T>
  Result<T> in_vm(const Kind& kind, const std::string& vm, Act<T> act);
  Result<json::Value> ask_agent(const std::string& vm, std::string_view command);

  std::shared_ptr<Shared> shared_;
  SharedQuestion health_;
  BoundedCalls calls_;
};

template <class T>
Result<T> LibvirtHypervisor::in_vm(const Kind& kind, const std::string& vm, Act<T> act) {
  auto free = lock_vm(*shared_.*kind.lock, vm, shared_->options.busy);
  if (!free) return fail(free.error());
  // Held until libvirt has answered, also where nobody waits any longer.
  auto guard = std::make_shared<KeyedLock::Guard>(*std::move(free));
  auto result = calls_.run<T>(
      shared_->options.*kind.limit,
      [shared = shared_, vm, guard = std::move(guard), act = std::move(act)]() -> Result<T> {
        auto session = shared->sessions.take();
        if (!session) return fail(session.error());
        auto done = [&]() -> Result<T> {
          auto domain = (*session)->domain(vm);
          if (!domain) return fail(domain.error());
          return act(shared->options, *domain);
        }();
        shared->sessions.give_back(*std::move(session));
        return done;
      });
  if (result || result.error().code == ErrorCode::not_found) return result;
  return fail(vmm_delegate::in_vm(vm, result.error()));
}

}  // namespace vbs::vmm_delegate
