// Behaviour that every Initiator has. VBS_CONFORMANCE_DRIVER is vm or open_iscsi; the targets are
// those of a tgtd of the test's own on the loopback. open_iscsi wants root and a kernel with iSCSI.

#include <gtest/gtest.h>

#include <csignal>

#include "tests/conformance/initiator/fixture.h"

int main(int argc, char** argv) {
  if (vbs::conformance::act_as_child(argc, argv)) return 0;
  ::signal(SIGPIPE, SIG_IGN);  // as the delegates do: a peer that hangs up is an error of the call
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
