#include "tests/unit/vmm_delegate/xen_fixture.h"

namespace vbs::vmm_delegate {
namespace {

using XenVm = XenFixture;

std::string text_of(const Result<std::vector<wire::VmStatus>>& vms) {
  if (!vms) return vms.error().message;
  std::string text;
  for (const wire::VmStatus& vm : *vms) {
    text += vm.name + "=" + vm.state + (vm.agent ? "+agent " : " ");
  }
  return text;
}

TEST_F(XenVm, ListsVmsByName) {
  order({"create", "web"});
  order({"create", "db"});
  ASSERT_TRUE(hypervisor().pause("web"));
  EXPECT_EQ(text_of(hypervisor().vms()), "db=running vm1=running web=paused ");
  EXPECT_EQ(hypervisor().vm("web")->state, "paused");
  EXPECT_EQ(hypervisor().vm("nobody").error().code, ErrorCode::not_found);
}

TEST_F(XenVm, ShowsWhatXendKeepsAsOff) {
  use("xm");
  order({"create", "db"});
  order({"shut-down", "vm1"});
  EXPECT_EQ(text_of(hypervisor().vms()), "db=running vm1=off ");
  const auto view = hypervisor().look("vm1");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->status.state, "off");
  EXPECT_TRUE(view->devices.empty());
}

TEST_F(XenVm, ACrashedVmIsOff) {
  order({"set", "vm1", "crashed", "1"});
  EXPECT_EQ(hypervisor().vm("vm1")->state, "off");
  EXPECT_EQ(hypervisor().pause("vm1").error().code, ErrorCode::conflict);
  EXPECT_TRUE(hypervisor().resume("vm1"));
}

TEST_F(XenVm, OfTwoWithOneNameTheNewerIsTheVm) {
  ASSERT_TRUE(hypervisor().attach(id, spec(), path_of(id)));
  order({"create", "vm1"});
  EXPECT_EQ(text_of(hypervisor().vms()), "vm1=running ");
  EXPECT_TRUE(held().empty());
}

TEST_F(XenVm, KnowsWhoPaused) {
  auto xen = hypervisor();
  EXPECT_TRUE(xen.pause("vm1").value());
  EXPECT_FALSE(xen.pause("vm1").value());
  ASSERT_TRUE(xen.resume("vm1"));
  EXPECT_EQ(xen.vm("vm1")->state, "running");
  EXPECT_TRUE(xen.resume("vm1"));
  EXPECT_TRUE(xen.resume("nobody"));
}

TEST_F(XenVm, ResumesAsOftenAsItWasPaused) {
  auto xen = hypervisor();
  ASSERT_TRUE(xen.pause("vm1"));
  order({"tool", "xl", "pause", "vm1"});
  EXPECT_EQ(xen.resume("vm1").error().code, ErrorCode::overloaded);
  EXPECT_TRUE(xen.resume("vm1"));
  EXPECT_EQ(xen.vm("vm1")->state, "running");
}

TEST_F(XenVm, CountsWrites) {
  auto xen = hypervisor();
  EXPECT_EQ(xen.writes("vm1").value(), 0);
  ASSERT_TRUE(xen.attach(id, spec(), path_of(id)));
  EXPECT_EQ(order({"write", "vm1", "sdb", "x"}), "4096");
  EXPECT_EQ(order({"write", "vm1", "sdb", "x"}), "4096");
  EXPECT_EQ(xen.writes("vm1").value(), 2);
  EXPECT_EQ(xen.writes("nobody").error().code, ErrorCode::not_found);
}

TEST_F(XenVm, HasNoAgent) {
  ASSERT_TRUE(hypervisor().attach(id, spec(), path_of(id)));
  auto xen = hypervisor();
  const auto visit = xen.visit("vm1");
  ASSERT_TRUE(visit);
  EXPECT_EQ(visit->view.devices.size(), 1U);
  const auto seen = visit->guest->wait_until(true, volume.str(), Milliseconds(60'000));
  ASSERT_TRUE(seen);
  EXPECT_FALSE(seen->agent);
  EXPECT_FALSE(xen.agent_answers("vm1"));
  EXPECT_EQ(xen.freeze_files("vm1").error().code, ErrorCode::conflict);
  EXPECT_TRUE(xen.thaw_files("vm1"));
}

TEST_F(XenVm, SaysWhatIsOutOfOrder) {
  EXPECT_TRUE(hypervisor().check());
  options.xenstore = dir.path("nothing");
  EXPECT_EQ(hypervisor().check().error().code, ErrorCode::node_unavailable);
  options.program.clear();
  options.toolstack = "xm";
  EXPECT_FALSE(hypervisor().check());
}

}  // namespace
}  // namespace vbs::vmm_delegate
