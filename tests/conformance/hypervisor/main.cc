// The conformance suite of the drivers of Hypervisor. VBS_CONFORMANCE_DRIVER names the driver:
// qemu, qemu-host-device, libvirt (within with-libvirtd). As root.

#include <gtest/gtest.h>

#include "tests/conformance/hypervisor/child.h"

int main(int argc, char** argv) {
  if (vbs::conformance::is_child(argc, argv)) return vbs::conformance::run_child(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
