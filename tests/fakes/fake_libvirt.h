#pragma once

#include <functional>
#include <string>
#include <vector>

#include "vmm_delegate/hypervisor/libvirt/libvirt_session.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_xml.h"

namespace vbs::fakes {

/// One domain of a QEMU behind libvirt's C functions: what it runs with and what it is started
/// from. For one thread.
class FakeLibvirt {
 public:
  FakeLibvirt();
  FakeLibvirt(const FakeLibvirt&) = delete;

  vmm_delegate::libvirt::Domain domain();
  /// Makes the call that is under way fail with this code of virErrorNumber.
  void refuse(int code, std::string text);

  bool active = true;
  bool persistent = true;
  vmm_delegate::libvirt::Machine live;
  vmm_delegate::libvirt::Machine saved;
  /// What libvirt does, once, before it answers the next question that waits for earlier changes.
  std::function<void()> under_way;
  /// Comes before each detach, and may refuse it.
  std::function<void()> on_detach;
  /// The calls that change something or wait, in their order: "settle", "attach live+saved", ...
  std::vector<std::string> done;

 private:
  struct Functions;
  vmm_delegate::libvirt::Library library_;
  std::string refusal_;
  virError error_{};
};

}  // namespace vbs::fakes
