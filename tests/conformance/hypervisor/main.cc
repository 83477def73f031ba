// The conformance suite of the drivers of Hypervisor. VBS_CONFORMANCE_DRIVER names the driver:
// qemu, qemu-host-device, libvirt (within with-libvirtd), xen-xl-stand-in, xen-xm-stand-in, and xen
// (in dom0 of the lab's Xen guest). As root.

#include <gtest/gtest.h>

#include "tests/conformance/hypervisor/child.h"

int main(int argc, char** argv) {
  if (vbs::conformance::is_child(argc, argv)) return vbs::conformance::run_child(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
