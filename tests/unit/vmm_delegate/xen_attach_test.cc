#include <future>

#include "common/volume_serial.h"
#include "tests/unit/vmm_delegate/xen_fixture.h"

namespace vbs::vmm_delegate {
namespace {

using XenAttach = XenFixture;
using Calls = std::vector<std::string>;

TEST_F(XenAttach, ShowsADeviceAndSaysWhatIsShown) {
  auto xen = hypervisor();
  const auto status = xen.attach(id, spec(), path_of(id));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->attachment, id);
  EXPECT_EQ(status->vm, "vm1");
  EXPECT_EQ(status->serial, volume.str());
  EXPECT_EQ(status->state, "attached");
  EXPECT_EQ(status->size_bytes, 33554432U);
  EXPECT_FALSE(status->read_only);
  EXPECT_EQ(status->guest_device, std::nullopt);
  ASSERT_EQ(held().size(), 1U);
  EXPECT_EQ(held()[0].serial, volume.str());
  EXPECT_EQ(changes(), Calls{"xl block-attach 1 phy:" + path_of(id) + " sdb w"});
}

// IET's serials have room for the end of the UUID.
TEST_F(XenAttach, AShortSerialIsTheVolumesToo) {
  const Uuid other = test::test_id(7);
  add_device(other, short_volume_serial(volume));
  for (int again = 0; again < 2; ++again) {
    const auto status = hypervisor().attach(other, spec(), path_of(other));
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(status->serial, volume.str());
  }
}

TEST_F(XenAttach, SpeaksXmAsTheSeedDoes) {
  use("xm");
  auto xen = hypervisor();
  ASSERT_TRUE(xen.attach(id, spec(), path_of(id)));
  const auto gone = xen.detach("vm1", id);
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_EQ(gone->waiting_for, "");
  EXPECT_EQ(changes(), (Calls{"xm block-attach vm1 phy:" + path_of(id) + " /dev/sdb w",
                              "xm block-detach vm1 /dev/sdb"}));
}

TEST_F(XenAttach, ShowsReadOnly) {
  auto wanted = spec();
  wanted.session.read_only = true;
  const auto status = hypervisor().attach(id, wanted, path_of(id));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->read_only);
}

TEST_F(XenAttach, DoesItOnce) {
  auto xen = hypervisor();
  ASSERT_TRUE(xen.attach(id, spec(), path_of(id)));
  const auto again = xen.attach(id, spec(), path_of(id));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->state, "attached");
  EXPECT_EQ(changes().size(), 1U);
}

TEST_F(XenAttach, TwoAtOnceShowOneDevice) {
  auto xen = hypervisor();
  const auto attach = [&] { return xen.attach(id, spec(), path_of(id)); };
  auto first = std::async(std::launch::async, attach);
  auto second = std::async(std::launch::async, attach);
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_EQ(changes().size(), 1U);
  EXPECT_EQ(held().size(), 1U);
}

TEST_F(XenAttach, AnotherNameOfAShownDeviceIsNotTheSame) {
  auto xen = hypervisor();
  ASSERT_TRUE(xen.attach(id, spec(), path_of(id)));
  const auto other = xen.attach(id, spec("/dev/sdc"), path_of(id));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::operation_in_progress);
  EXPECT_EQ(held().size(), 1U);
}

TEST_F(XenAttach, RefusesANameThatTheGuestHas) {
  const Uuid other = test::test_id(2);
  add_device(other, test::test_id(1002).str());
  auto xen = hypervisor();
  ASSERT_TRUE(xen.attach(id, spec("/dev/sdb"), path_of(id)));
  for (const char* device : {"/dev/sdb", "/dev/xvdb"}) {
    const auto refused = xen.attach(other, spec(device), path_of(other));
    ASSERT_FALSE(refused) << device;
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
    EXPECT_NE(refused.error().message.find("xvdb"), std::string::npos) << refused.error().message;
  }
  EXPECT_EQ(changes().size(), 1U);
}

TEST_F(XenAttach, NeedsADeviceOfTheHost) {
  const auto refused = hypervisor().attach(id, spec(), "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_NE(refused.error().message.find("open_iscsi"), std::string::npos);
  EXPECT_TRUE(changes().empty());
}

TEST_F(XenAttach, RefusesADeviceOfAnotherAttachment) {
  const auto refused = hypervisor().attach(id, spec(), path_of(test::test_id(2)));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("iqn_prefix"), std::string::npos);
  EXPECT_TRUE(changes().empty());
}

TEST_F(XenAttach, ShowsNoDeviceWithAnotherSerial) {
  order({"unplug", path_of(id)});
  add_device(id, test::test_id(1002).str());
  const auto refused = hypervisor().attach(id, spec(), path_of(id));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_TRUE(held().empty());
}

TEST_F(XenAttach, SaysThatTheDeviceIsMissing) {
  order({"unplug", path_of(id)});
  const auto refused = hypervisor().attach(id, spec(), path_of(id));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::node_unavailable);
  EXPECT_TRUE(held().empty());
}

TEST_F(XenAttach, LeavesNothingOfAFailedHotplugScript) {
  order({"scripts", "broken"});
  auto xen = hypervisor();
  const auto refused = xen.attach(id, spec(), path_of(id));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::internal);
  EXPECT_TRUE(held().empty());
  order({"scripts", "good"});
  EXPECT_TRUE(xen.attach(id, spec(), path_of(id)));
}

TEST_F(XenAttach, TakesAwayWhatAnAttachThatDiedHasLeft) {
  options.connect = Milliseconds(100);
  order({"scripts", "broken"});
  order({"plug", "vm1", path_of(id), "sdb", "w"});
  order({"scripts", "good"});
  ASSERT_EQ(held().size(), 1U);
  EXPECT_EQ(held()[0].state, "detaching");
  const auto status = hypervisor().attach(id, spec(), path_of(id));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(changes().front(), "xl block-detach -f 1 2064");
}

TEST_F(XenAttach, TakesAwayWhatARollBackThatDiedHasLeft) {
  options.connect = Milliseconds(100);
  order({"set", "vm1", "drives", "0"});
  order({"plug", "vm1", path_of(id), "sdb", "w"});
  order({"ask-back", "vm1", "sdb"});
  ASSERT_EQ(held().size(), 1U);
  EXPECT_EQ(held()[0].state, "detaching");
  order({"set", "vm1", "drives", "1"});
  const auto status = hypervisor().attach(id, spec(), path_of(id));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->state, "attached");
  EXPECT_EQ(changes().front(), "xl block-detach -f 1 2064");
}

TEST_F(XenAttach, AdoptsWhatAnAttachThatDiedHasDone) {
  order({"plug", "vm1", path_of(id), "sdb", "w"});
  const auto status = hypervisor().attach(id, spec(), path_of(id));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(changes().empty());
}

TEST_F(XenAttach, GivesUpOnAGuestThatRefuses) {
  order({"set", "vm1", "refuses", "1"});
  const auto refused = hypervisor().attach(id, spec(), path_of(id));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("refused"), std::string::npos);
  EXPECT_TRUE(held().empty());
}

TEST_F(XenAttach, APausedVmTakesItLater) {
  options.connect = Milliseconds(100);
  auto xen = hypervisor();
  ASSERT_TRUE(xen.pause("vm1"));
  const auto status = xen.attach(id, spec(), path_of(id));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->state, "attached");
  EXPECT_EQ(status->size_bytes, 0U);
  ASSERT_TRUE(xen.resume("vm1"));
  EXPECT_TRUE(test::eventually([&] { return held().at(0).size_bytes == 33554432U; }));
}

TEST_F(XenAttach, KnowsOnlyVmsThatRun) {
  auto wanted = spec();
  wanted.vm = "vm2";
  EXPECT_EQ(hypervisor().attach(id, wanted, path_of(id)).error().code, ErrorCode::not_found);
  order({"set", "vm1", "crashed", "1"});
  options.connect = Milliseconds(100);
  EXPECT_EQ(hypervisor().attach(id, spec(), path_of(id)).error().code, ErrorCode::conflict);
  EXPECT_EQ(changes().back(), "xl block-detach -f 1 2064");
  use("xm");
  order({"shut-down", "vm1"});
  EXPECT_EQ(hypervisor().attach(id, spec(), path_of(id)).error().code, ErrorCode::conflict);
}

TEST_F(XenAttach, TakesNoDigitsForADomain) {
  order({"create", "7"});
  for (int i = 0; i < 5; ++i) order({"create", "filler" + std::to_string(i)});
  order({"create", "victim"});  // with the id 8; "7" has 2
  order({"create", "8"});
  auto wanted = spec();
  wanted.vm = "8";
  ASSERT_TRUE(hypervisor().attach(id, wanted, path_of(id)));
  EXPECT_TRUE(hypervisor().look("victim")->devices.empty());
  EXPECT_EQ(hypervisor().look("8")->devices.size(), 1U);
}

TEST_F(XenAttach, ObservesWhatAToolHasDoneThatTookTooLong) {
  // A tool that does its work and then does not end.
  const std::string slow = dir.path("slow");
  std::ofstream(slow) << "#!/bin/sh\n" << dir.path("xl") << " \"$@\"\nexec sleep 60\n";
  ASSERT_EQ(::chmod(slow.c_str(), 0755), 0);
  options.program = slow;
  options.limits.attach = Milliseconds(1'500);
  const auto status = hypervisor().attach(id, spec(), path_of(id));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->state, "attached");
}

}  // namespace
}  // namespace vbs::vmm_delegate
