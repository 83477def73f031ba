#include "tests/unit/vmm_delegate/xen_fixture.h"

namespace vbs::vmm_delegate {
namespace {

class XenDetach : public XenFixture {
 protected:
  void SetUp() override {
    XenFixture::SetUp();
    const auto status = hypervisor().attach(id, spec(), path_of(id));
    ASSERT_TRUE(status) << status.error().message;
  }
  /// What still holds it; "?" is an error.
  std::string detach() {
    const auto left = hypervisor().detach("vm1", id);
    EXPECT_TRUE(left) << left.error().message;
    return left ? left->waiting_for : "?";
  }
};

TEST_F(XenDetach, TakesTheDeviceAway) {
  EXPECT_EQ(detach(), "");
  EXPECT_TRUE(held().empty());
  EXPECT_EQ(changes().back(), "xl block-detach 1 2064");
}

TEST_F(XenDetach, IsDoneWhereThereIsNothing) {
  EXPECT_EQ(detach(), "");
  const auto runs = changes().size();
  EXPECT_EQ(detach(), "");
  order({"destroy", "vm1"});
  EXPECT_EQ(detach(), "");
  EXPECT_EQ(changes().size(), runs);
}

TEST_F(XenDetach, TouchesNoOtherDisk) {
  const std::string stranger = "/dev/vg/root";
  order({"device", stranger, "root", "1048576"});
  order({"plug", "vm1", stranger, "sda", "w"});
  const Uuid other = test::test_id(2);
  add_device(other, test::test_id(1002).str());
  auto wanted = spec("/dev/sdc");
  wanted.session.volume = test::test_id(1002);
  ASSERT_TRUE(hypervisor().attach(other, wanted, path_of(other)));
  EXPECT_EQ(detach(), "");
  ASSERT_EQ(held().size(), 1U);
  EXPECT_EQ(held()[0].attachment, other);
  EXPECT_EQ(order({"tool", "xl", "block-detach", "1", "2048"}), "");  // it is still there
}

TEST_F(XenDetach, SaysThatTheGuestHoldsIt) {
  order({"set", "vm1", "holds", "1"});
  EXPECT_NE(detach().find("has not let go"), std::string::npos);
  ASSERT_EQ(held().size(), 1U);
  EXPECT_EQ(held()[0].state, "detaching");
  const auto runs = changes().size();
  // The tool would only wait again.
  EXPECT_NE(detach().find("has not let go"), std::string::npos);
  EXPECT_EQ(changes().size(), runs);
  order({"set", "vm1", "holds", "0"});
  EXPECT_EQ(detach(), "");
  EXPECT_TRUE(held().empty());
}

TEST_F(XenDetach, SaysThatTheVmIsPaused) {
  auto xen = hypervisor();
  ASSERT_TRUE(xen.pause("vm1"));
  EXPECT_NE(detach().find("paused"), std::string::npos);
  ASSERT_TRUE(xen.resume("vm1"));
  EXPECT_TRUE(test::eventually([&] { return detach().empty(); }));
  EXPECT_TRUE(held().empty());
}

TEST_F(XenDetach, TakesItFromACrashedVmThatIsKept) {
  order({"set", "vm1", "crashed", "1"});
  EXPECT_EQ(detach(), "");
  EXPECT_EQ(changes().back(), "xl block-detach -f 1 2064");
  order({"set", "vm1", "crashed", "0"});
  EXPECT_TRUE(held().empty());
}

TEST_F(XenDetach, DoesNotWaitForAGuestThatNeverTookIt) {
  EXPECT_EQ(detach(), "");
  order({"set", "vm1", "drives", "0"});
  options.connect = Milliseconds(100);
  ASSERT_TRUE(hypervisor().attach(id, spec(), path_of(id)));
  EXPECT_EQ(detach(), "");
  EXPECT_EQ(changes().back(), "xl block-detach -f 1 2064");
  EXPECT_TRUE(held().empty());
}

TEST_F(XenDetach, AnAttachWaitsForItAndNoLonger) {
  order({"set", "vm1", "holds", "1"});
  EXPECT_NE(detach(), "");
  const auto refused = hypervisor().attach(id, spec(), path_of(id));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::operation_in_progress);
  // The tool that asked for it has ended: its rest is to be tidied up by the attach.
  order({"set", "vm1", "holds", "0"});
  const auto status = hypervisor().attach(id, spec(), path_of(id));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->state, "attached");
}

TEST_F(XenDetach, ARestartedVmHoldsNothing) {
  order({"destroy", "vm1"});
  order({"create", "vm1"});
  EXPECT_TRUE(held().empty());
  EXPECT_EQ(detach(), "");
  ASSERT_TRUE(hypervisor().attach(id, spec(), path_of(id)));
  EXPECT_EQ(changes().back(), "xl block-attach 2 phy:" + path_of(id) + " sdb w");
}

class XenDetachWithPatience : public XenDetach {
 protected:
  XenDetachWithPatience() {
    patience = "100";  // as xm has it
    use("xm");
    options.limits.detach = Milliseconds(3'000);
  }
};

TEST_F(XenDetachWithPatience, WaitsForXmNoLongerThanItMay) {
  order({"set", "vm1", "holds", "1"});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_NE(detach().find("has not let go"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST_F(XenDetach, TellsTheGuestOfANewSize) {
  auto xen = hypervisor();
  const auto early = xen.resize("vm1", id, 67108864);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::node_unavailable);
  order({"resize", path_of(id), "67108864"});
  const auto done = xen.resize("vm1", id, 67108864);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(held().at(0).size_bytes, 67108864U);
  EXPECT_TRUE(xen.resize("vm1", id, 67108864));
  EXPECT_TRUE(xen.resize("vm1", id, 67107840)) << "the host device has more, in whole extents";
  EXPECT_EQ(xen.resize("vm1", test::test_id(9), 1).error().code, ErrorCode::not_found);
  EXPECT_EQ(xen.resize("vm2", id, 1).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace vbs::vmm_delegate
