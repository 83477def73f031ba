// Behaviour that every TargetDriver has, whatever software is below it. VBS_CONFORMANCE_DRIVER is
// tgt, lio or iet; VBS_CONFORMANCE_GROUP names a volume group for block devices, else files are
// served; VBS_CONFORMANCE_IETADM is the stand-in for ietadm.

#include <gtest/gtest.h>

#include <csignal>

#include "tests/conformance/target/fixture.h"

int main(int argc, char** argv) {
  if (vbs::conformance::act_as_child(argc, argv)) return 0;
  ::signal(SIGPIPE, SIG_IGN);  // as the delegates do: a peer that hangs up is an error of the call
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
