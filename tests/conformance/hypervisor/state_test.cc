// The states of VMs, and what is right in each.

#include "tests/conformance/hypervisor/fixture.h"

namespace vbs::conformance {
namespace {

TEST_F(HypervisorConformance, ListsVmsWithTheirStates) {
  rig->start("vm2");
  rig->start("vm0");
  rig->cut_power("vm0");
  const auto vms = hypervisor->vms();
  ASSERT_TRUE(vms) << vms.error().message;
  ASSERT_EQ(vms->size(), 3U);
  EXPECT_EQ((*vms)[0].name, "vm0");
  EXPECT_EQ((*vms)[0].state, "off");
  EXPECT_EQ((*vms)[1].state, "running");
  EXPECT_FALSE((*vms)[1].agent);
  EXPECT_EQ((*vms)[2].name, "vm2");
  EXPECT_EQ(hypervisor->vm("nobody").error().code, ErrorCode::not_found);
  EXPECT_TRUE(hypervisor->check());
}

TEST_F(HypervisorConformance, AnUnknownVmGetsNothing) {
  const auto attached = attach(1, "nobody");
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().code, ErrorCode::not_found);
  EXPECT_EQ(hypervisor->look("nobody").error().code, ErrorCode::not_found);
  EXPECT_EQ(hypervisor->resize("nobody", id(1), kSize).error().code, ErrorCode::not_found);
  EXPECT_TRUE(hypervisor->resume("nobody"));
  EXPECT_TRUE(hypervisor->thaw_files("nobody"));
}

TEST_F(HypervisorConformance, AVmThatIsOffGetsAndHoldsNothing) {
  ASSERT_TRUE(attach(1));
  rig->cut_power("vm1");
  const auto view = hypervisor->look("vm1");
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->status.state, "off");
  EXPECT_EQ(view->devices.empty(), !rig->keeps_disks());
  for (const auto& one : view->devices) EXPECT_EQ(one.state, "detaching");
  EXPECT_EQ(attach(2).error().code, ErrorCode::conflict);
  EXPECT_EQ(hypervisor->pause("vm1").error().code, ErrorCode::conflict);
  EXPECT_TRUE(hypervisor->resume("vm1"));
  EXPECT_TRUE(hypervisor->thaw_files("vm1"));
  EXPECT_TRUE(hypervisor->resize("vm1", id(1), kSize));
  EXPECT_TRUE(detach(1));
  EXPECT_TRUE(hypervisor->look("vm1")->devices.empty());
}

TEST_F(HypervisorConformance, ARestartedVmHasItsVolumesOrGetsThemBack) {
  ASSERT_TRUE(attach(1));
  rig->cut_power("vm1");
  rig->start("vm1");
  EXPECT_EQ(serials(), rig->keeps_disks() ? Serials{serial(1)} : Serials{});
  ASSERT_TRUE(attach(1)) << "whether it is shown or not";
  EXPECT_EQ(serials(), Serials{serial(1)});
  ASSERT_TRUE(rig->write("vm1", serial(1), 'r'));
}

// A VM that is started again gets its volumes back, a later one of its name must not. Whoever asks
// for that may have looked before it was replaced.
TEST_F(HypervisorConformance, ItsUuidTellsAVmFromALaterOneOfItsName) {
  const auto uuid = [&] { return hypervisor->vm("vm1")->uuid; };
  const Storage storage = rig->storage(1, false, true);
  wire::DeviceSpec spec{"vm1", device(1), storage.session, uuid()};
  ASSERT_EQ(spec.vm_uuid.has_value(), rig->has_uuids());
  EXPECT_TRUE(hypervisor->attach(id(1), spec, storage.host_path));
  rig->cut_power("vm1");
  rig->start("vm1");
  EXPECT_EQ(uuid(), spec.vm_uuid);
  EXPECT_TRUE(hypervisor->attach(id(1), spec, storage.host_path));
  EXPECT_TRUE(detach(1));
  rig->remove("vm1");
  rig->start("vm1");
  if (!spec.vm_uuid) return;
  EXPECT_NE(uuid(), spec.vm_uuid);
  EXPECT_EQ(hypervisor->attach(id(1), spec, storage.host_path).error().code, ErrorCode::conflict);
  EXPECT_TRUE(hypervisor->look("vm1")->devices.empty());
}

TEST_F(HypervisorConformance, WhatWasDetachedStaysAwayOverARestart) {
  ASSERT_TRUE(attach(1));
  ASSERT_TRUE(attach(2));
  ASSERT_TRUE(detach(1));
  rig->cut_power("vm1");
  ASSERT_TRUE(detach(2)) << "while it is off";
  rig->start("vm1");
  EXPECT_EQ(serials(), Serials{});
  EXPECT_TRUE(shows_foreign());
}

TEST_F(HypervisorConformance, AVmThatIsGoneHoldsNothing) {
  ASSERT_TRUE(attach(1));
  rig->remove("vm1");
  EXPECT_EQ(hypervisor->look("vm1").error().code, ErrorCode::not_found);
  const auto detached = detach(1);
  ASSERT_TRUE(detached) << detached.error().message;
  EXPECT_EQ(detached->waiting_for, "");
  rig->start("vm1");
  EXPECT_TRUE(attach(1)) << "another VM of the same name";
}

TEST_F(HypervisorConformance, PausesOnceAndLetsRun) {
  ASSERT_TRUE(hypervisor->resume("vm1")) << "it runs";
  auto paused = hypervisor->pause("vm1");
  ASSERT_TRUE(paused) << paused.error().message;
  EXPECT_TRUE(*paused);
  EXPECT_EQ(hypervisor->vm("vm1")->state, "paused");
  paused = hypervisor->pause("vm1");
  ASSERT_TRUE(paused);
  EXPECT_FALSE(*paused) << "it was paused";
  ASSERT_TRUE(hypervisor->resume("vm1"));
  EXPECT_EQ(hypervisor->vm("vm1")->state, "running");
}

TEST_F(HypervisorConformance, APausedVmLetsGoAtTheLatestWhenItRuns) {
  ASSERT_TRUE(hypervisor->pause("vm1"));
  const auto attached = attach(1);
  ASSERT_TRUE(attached) << attached.error().message;
  EXPECT_EQ(hypervisor->vm("vm1")->state, "paused") << "attaching lets nobody run";
  const auto detached = detach(1);
  ASSERT_TRUE(detached) << detached.error().message;
  EXPECT_EQ(hypervisor->vm("vm1")->state, "paused");
  EXPECT_EQ(serials().empty(), detached->waiting_for.empty());
  ASSERT_TRUE(hypervisor->resume("vm1"));
  EXPECT_TRUE(detach_settled(1));
  EXPECT_EQ(serials(), Serials{});
}

TEST_F(HypervisorConformance, APausedVmWritesNothing) {
  ASSERT_TRUE(attach(1));
  ASSERT_TRUE(hypervisor->pause("vm1"));
  const auto before = hypervisor->writes("vm1");
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(*hypervisor->writes("vm1"), *before);
  rig->cut_power("vm1");
  EXPECT_EQ(hypervisor->writes("vm1").error().code, ErrorCode::conflict);
}

TEST_F(HypervisorConformance, WithoutAnAgentNothingIsSaidForTheGuest) {
  EXPECT_FALSE(hypervisor->agent_answers("vm1"));
  const auto visit = hypervisor->visit("vm1");
  ASSERT_TRUE(visit) << visit.error().message;
  const auto view = visit->guest->look(serial(1));
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->agent);
  EXPECT_FALSE(view->disk);
  EXPECT_FALSE(visit->guest->wait_until(true, serial(1), Milliseconds(10'000))->agent)
      << "and nobody waits for it";
  EXPECT_FALSE(hypervisor->freeze_files("vm1"));
}

}  // namespace
}  // namespace vbs::conformance
