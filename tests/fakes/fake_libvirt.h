#pragma once

#include <functional>
#include <map>
#include <set>
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
  /// What QEMU has, whatever libvirt knows: devices by id, and block nodes with the path below.
  std::set<std::string> qemu_devices;
  std::map<std::string, std::string> qemu_nodes;
  /// Nodes that are used by others: "libvirt-1-storage" by "libvirt-1-format".
  std::map<std::string, std::string> used_by;
  bool guest_keeps = false;  ///< devices that it was asked to let go of
  /// The calls that change something or wait, in their order: "settle", "attach live+saved", ...
  std::vector<std::string> done;

 private:
  struct Functions;
  std::string ask_qemu(const std::string& command);

  vmm_delegate::libvirt::Library library_;
  std::string refusal_;
  virError error_{};
};

}  // namespace vbs::fakes
