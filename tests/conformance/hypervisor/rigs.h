#pragma once

#include "tests/conformance/hypervisor/rig.h"

namespace vbs::conformance {

/// The node's name in its VMs' logins.
constexpr const char* kInitiator = "iqn.2026-01.vbs:node-test";

std::unique_ptr<Rig> make_qemu_rig();         ///< VMs log in to a tgtd
std::unique_ptr<Rig> make_qemu_device_rig();  ///< with loop devices of the host
std::unique_ptr<Rig> make_libvirt_rig();      ///< likewise; needs with-libvirtd around it

std::unique_ptr<Rig> make_xen_rig();  ///< real Xen, in dom0 of the lab's Xen guest
/// The stand-in for a Xen host, under "xl" or "xm".
std::unique_ptr<Rig> make_xen_host_rig(const std::string& toolstack);
/// Its driver, whose tools and files are not where a real host has them; null for other
/// configurations.
std::unique_ptr<vmm_delegate::Hypervisor> make_xen_host_driver(const std::string& configuration);

}  // namespace vbs::conformance
