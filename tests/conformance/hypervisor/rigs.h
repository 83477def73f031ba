#pragma once

#include "tests/conformance/hypervisor/rig.h"

namespace vbs::conformance {

/// The node's name in its VMs' logins.
constexpr const char* kInitiator = "iqn.2026-01.vbs:node-test";

std::unique_ptr<Rig> make_qemu_rig();         ///< VMs log in to a tgtd
std::unique_ptr<Rig> make_qemu_device_rig();  ///< with loop devices of the host
std::unique_ptr<Rig> make_libvirt_rig();      ///< likewise; needs with-libvirtd around it

}  // namespace vbs::conformance
