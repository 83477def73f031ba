#include "vmm_delegate/device_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/fake_initiator.h"
#include "tests/unit/vmm_delegate/support.h"

namespace vbs::vmm_delegate {
namespace {

using test::device_spec;
using test::test_id;

class DeviceServiceTest : public testing::Test {
 protected:
  DeviceServiceTest() {
    hypervisor.add_vm("vm1", true);
    hypervisor.add_vm("bare", false);
  }

  test::TempDir dir;
  test::ManualClock clock;
  fakes::FakeHypervisor hypervisor;
  fakes::FakeInitiator initiator{fakes::FakeInitiator::Kind::of_vms};
  std::unique_ptr<Generations> generations = *Generations::open(dir.path("generations"), clock);
  AttachmentOrders orders{*generations};
  DeviceService service{hypervisor, initiator, orders};
  const Uuid id = test_id(1);
  const Uuid volume = test_id(100);
};

TEST_F(DeviceServiceTest, ShowsTheVolumeAndSaysHowTheGuestNamesIt) {
  const auto status = service.put(id, device_spec("vm1", volume));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->serial, volume.str());
  EXPECT_EQ(status->state, "attached");
  EXPECT_EQ(status->guest_device, "/dev/sda");
  EXPECT_EQ(status->mounted, false);
}

TEST_F(DeviceServiceTest, ADiskOfTheHostThatIsNotProvenIsTakenAway) {
  fakes::FakeInitiator host{fakes::FakeInitiator::Kind::of_host};
  DeviceService devices{hypervisor, host, orders};
  struct Case {
    ErrorCode found;
    ErrorCode told;
  };
  for (const Case& one : {Case{ErrorCode::conflict, ErrorCode::conflict},
                          Case{ErrorCode::not_found, ErrorCode::conflict},
                          Case{ErrorCode::node_unavailable, ErrorCode::node_unavailable}}) {
    host.set_shown(fail(one.found, "it is another disk"));
    const auto status = devices.put(id, device_spec("vm1", volume));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, one.told);
    EXPECT_TRUE(hypervisor.look("vm1")->devices.empty());
  }
  host.set_shown({});
  EXPECT_TRUE(devices.put(id, device_spec("vm1", volume)));
}

TEST_F(DeviceServiceTest, ShowsTheSizeThatTheDiskHas) {
  std::uint64_t size = 1 << 20;
  hypervisor.set_disk_size([&](const Uuid&) { return size; });
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  EXPECT_EQ(service.resize(id, {2 << 20, "vm1", 1}).error().code, ErrorCode::node_unavailable);
  size = 2 << 20;
  for (int again = 0; again < 2; ++again) {
    const auto shown = service.resize(id, {2 << 20, "vm1", 1});
    ASSERT_TRUE(shown);
    ASSERT_TRUE(*shown);
    EXPECT_EQ((*shown)->size_bytes, 2U << 20);
  }
  EXPECT_EQ(hypervisor.effects().size(), 2U) << "the second time there was nothing to do";
  EXPECT_EQ(service.resize(id, {2 << 20, "bare", 1}).error().code, ErrorCode::not_found);
  hypervisor.set_state("vm1", "off");
  const auto off = service.resize(id, {2 << 20, "vm1", 1});
  ASSERT_TRUE(off);
  EXPECT_FALSE(*off);
  ASSERT_TRUE(service.remove(id, {"vm1"}, 4, false));
  EXPECT_EQ(service.resize(id, {2 << 20, "vm1", 3}).error().code, ErrorCode::stale_generation);
}

TEST_F(DeviceServiceTest, WithoutAgentTheGuestsNameIsNotKnown) {
  const auto status = service.put(id, device_spec("bare", volume));
  ASSERT_TRUE(status);
  EXPECT_FALSE(status->guest_device);
  EXPECT_FALSE(status->mounted);
}

TEST_F(DeviceServiceTest, AgainIsHarmlessAndLogsInOnce) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  EXPECT_EQ(initiator.logins(), 1);
  EXPECT_EQ(hypervisor.effects().size(), 1U);
}

// What a VM shows by the host's device must not be shown anew by a login of the VM's own.
TEST_F(DeviceServiceTest, AgainIsByTheHostsDeviceWhereItWasBefore) {
  fakes::FakeInitiator host{fakes::FakeInitiator::Kind::of_host};
  DeviceService devices{hypervisor, host, orders};
  ASSERT_TRUE(devices.put(id, device_spec("vm1", volume)));
  ASSERT_TRUE(devices.put(id, device_spec("vm1", volume)));
  EXPECT_EQ(hypervisor.last_path(), host.sessions()->front().path);
  EXPECT_EQ(host.logins(), 1);
  ASSERT_TRUE(host.log_in(id, device_spec("vm1", test_id(101)).session));
  EXPECT_EQ(devices.put(id, device_spec("vm1", volume)).error().code, ErrorCode::conflict)
      << "its session leads to another volume";
  ASSERT_TRUE(host.log_out(id));
  EXPECT_EQ(devices.put(id, device_spec("vm1", volume)).error().code, ErrorCode::conflict)
      << "its disk is dead";
}

TEST_F(DeviceServiceTest, ADeadPortalOrAWrongVolumeNeverReachesTheVm) {
  initiator.set_target([](const wire::SessionSpec&) -> Result<std::string> {
    return fail(ErrorCode::node_unavailable, "refused");
  });
  EXPECT_EQ(service.put(id, device_spec("vm1", volume)).error().code, ErrorCode::node_unavailable);
  initiator.set_target([](const wire::SessionSpec&) { return test_id(101).str(); });
  EXPECT_EQ(service.put(id, device_spec("vm1", volume)).error().code, ErrorCode::conflict);
  EXPECT_TRUE(hypervisor.effects().empty());
}

// The guest would take one for the other.
TEST_F(DeviceServiceTest, ASecondDiskOfAVolumeWaitsForTheFirstToGo) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  const auto second = service.put(test_id(2), device_spec("vm1", volume));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::overloaded);
  EXPECT_NE(second.error().message.find(id.str()), std::string::npos);
  EXPECT_TRUE(service.put(test_id(2), device_spec("bare", volume))) << "another VM may have it";
  ASSERT_TRUE(service.remove(id, {"vm1"}, 2, false));
  EXPECT_TRUE(service.put(test_id(3), device_spec("vm1", volume)));
}

TEST_F(DeviceServiceTest, RefusesAVmThatIsOffOrUnknown) {
  EXPECT_EQ(service.put(id, device_spec("nobody", volume)).error().code, ErrorCode::not_found);
  hypervisor.set_state("vm1", "off");
  EXPECT_EQ(service.put(id, device_spec("vm1", volume)).error().code, ErrorCode::conflict);
  EXPECT_EQ(initiator.logins(), 0);
}

TEST_F(DeviceServiceTest, AnotherVmOfTheNameIsNotShownTheVolume) {
  wire::DeviceSpec spec = device_spec("vm1", volume);
  spec.vm_uuid = hypervisor.vm("vm1")->uuid;
  ASSERT_TRUE(service.put(id, spec));
  hypervisor.set_state("vm1", "off");
  hypervisor.set_state("vm1", "running");
  EXPECT_TRUE(service.put(id, spec)) << "started again";
  hypervisor.add_vm("vm1", true);
  const auto refused = service.put(id, spec);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("another than the volume was given to"));
  EXPECT_TRUE(hypervisor.look("vm1")->devices.empty());
  spec.vm_uuid.reset();
  EXPECT_TRUE(service.put(id, spec)) << "what is not known cannot be compared";
}

TEST_F(DeviceServiceTest, AVmIsLookedAtAgainAfterTheLogin) {
  wire::DeviceSpec spec = device_spec("vm1", volume);
  spec.vm_uuid = hypervisor.vm("vm1")->uuid;
  initiator.set_target([&](const wire::SessionSpec& session) {
    hypervisor.add_vm("vm1", true);
    return session.volume.str();
  });
  EXPECT_EQ(service.put(id, spec).error().code, ErrorCode::conflict);
  EXPECT_TRUE(hypervisor.look("vm1")->devices.empty());
}

TEST_F(DeviceServiceTest, TakesTheDiskFromTheVmThatHasAnotherNameByNow) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  const auto first = hypervisor.vm("vm1")->uuid;
  hypervisor.rename_vm("vm1", "old");
  hypervisor.add_vm("vm1", true);
  EXPECT_FALSE(service.remove(id, {"vm1"}, 2, false)->left);
  EXPECT_EQ(hypervisor.look("old")->devices.size(), 1u) << "nothing told that it is another";
  hypervisor.mount("old", volume.str(), "/srv");
  const auto refused = service.remove(id, {"vm1", first}, 3, false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("VM 'old' has /dev/sda mounted"));
  EXPECT_FALSE(service.remove(id, {"vm1", first}, 3, true)->left);
  EXPECT_TRUE(hypervisor.look("old")->devices.empty());
}

TEST_F(DeviceServiceTest, AVmThatDoesNotAnswerMayBeTheOneThatHadTheName) {
  const auto first = hypervisor.vm("vm1")->uuid;
  hypervisor.add_vm("vm1", true);
  hypervisor.set_state("bare", "unknown");
  EXPECT_EQ(service.remove(id, {"vm1", first}, 2, false).error().code, ErrorCode::timeout);
  EXPECT_TRUE(service.remove(id, {"vm1", hypervisor.vm("vm1")->uuid}, 3, false));
}

TEST_F(DeviceServiceTest, TakesAnotherVmsDiskAwayWhereItWasShownToThatOne) {
  const auto first = hypervisor.vm("vm1")->uuid;
  hypervisor.add_vm("vm1", true);
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  EXPECT_FALSE(service.remove(id, {"vm1", first}, 2, false)->left);
  EXPECT_TRUE(hypervisor.look("vm1")->devices.empty());
}

TEST_F(DeviceServiceTest, FindsADeviceInAnyVm) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  EXPECT_EQ(service.get(id, "")->vm, "vm1");
  EXPECT_EQ(service.get(id, "vm1")->guest_device, "/dev/sda");
  EXPECT_EQ(service.get(id, "bare").error().code, ErrorCode::not_found);
  EXPECT_EQ(service.get(test_id(2), "").error().code, ErrorCode::not_found);
}

TEST_F(DeviceServiceTest, ADeviceMayBeInAVmThatDoesNotAnswer) {
  hypervisor.set_state("bare", "unknown");
  EXPECT_EQ(service.get(id, "").error().code, ErrorCode::timeout);
}

TEST_F(DeviceServiceTest, TakesAnUnusedDiskAway) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  const auto removal = service.remove(id, {"vm1"}, 2, false);
  ASSERT_TRUE(removal);
  EXPECT_FALSE(removal->left);
  EXPECT_EQ(removal->note, "");
  EXPECT_TRUE(service.remove(id, {"vm1"}, 2, false)) << "again is harmless";
}

TEST_F(DeviceServiceTest, AMountedDiskStaysUnlessForced) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  hypervisor.mount("vm1", volume.str(), "/data");
  const auto refused = service.remove(id, {"vm1"}, 2, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_NE(refused.error().message.find("/data"), std::string::npos);
  EXPECT_EQ(service.get(id, "vm1")->mounted, true);
  EXPECT_TRUE(service.remove(id, {"vm1"}, 2, true));
  EXPECT_FALSE(service.get(id, "vm1"));
}

TEST_F(DeviceServiceTest, AVmOfAnotherNameByNowGivesItsDiskBack) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  hypervisor.rename_vm("vm1", "vm9");
  hypervisor.mount("vm9", volume.str(), "/data");
  EXPECT_EQ(service.remove(id, {"vm1"}, 2, false).error().code, ErrorCode::conflict);
  EXPECT_TRUE(service.get(id, "vm9"));
  ASSERT_TRUE(service.remove(id, {"vm1"}, 2, true));
  EXPECT_EQ(service.get(id, "").error().code, ErrorCode::not_found);
}

TEST_F(DeviceServiceTest, OfManyMountpointsSomeAreNamed) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  for (int i = 1; i <= 1'000; ++i) {
    hypervisor.mount("vm1", volume.str(), "/" + std::to_string(i));
  }
  const auto refused = service.remove(id, {"vm1"}, 2, false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("mounted on /1, /2, /3, /4 and 996 more;"),
            std::string::npos)
      << refused.error().message;
}

TEST_F(DeviceServiceTest, AnAgentThatDoesNotTellProtectsTheDisk) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  hypervisor.set_state("vm1", "paused");
  EXPECT_EQ(service.remove(id, {"vm1"}, 2, false).error().code, ErrorCode::conflict);
  EXPECT_TRUE(service.remove(id, {"vm1"}, 2, true));
}

TEST_F(DeviceServiceTest, WithoutAgentTheAnswerSaysThatNobodyWasAsked) {
  ASSERT_TRUE(service.put(id, device_spec("bare", volume)));
  const auto removal = service.remove(id, {"bare"}, 2, false);
  ASSERT_TRUE(removal);
  EXPECT_NE(removal->note.find("no agent"), std::string::npos);
}

TEST_F(DeviceServiceTest, AGuestThatHoldsOnIsWaitedFor) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  hypervisor.hold_devices("vm1", true);
  auto removal = service.remove(id, {"vm1"}, 2, false);
  ASSERT_TRUE(removal && removal->left);
  EXPECT_EQ(removal->left->state, "detaching");
  EXPECT_EQ(removal->left->serial, volume.str());
  EXPECT_NE(removal->note, "");
  hypervisor.hold_devices("vm1", false);
  removal = service.remove(id, {"vm1"}, 2, false);
  ASSERT_TRUE(removal);
  EXPECT_FALSE(removal->left);
}

TEST_F(DeviceServiceTest, AGuestThatStillSeesTheDiskIsMentioned) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  hypervisor.keep_in_guest("vm1", true);
  const auto removal = service.remove(id, {"vm1"}, 2, false);
  ASSERT_TRUE(removal);
  EXPECT_FALSE(removal->left);
  EXPECT_NE(removal->note.find("has not said that the disk is gone"), std::string::npos);
}

TEST_F(DeviceServiceTest, AVmThatIsOffOrGoneShowsNothing) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume)));
  hypervisor.set_state("vm1", "off");
  EXPECT_FALSE(service.remove(id, {"vm1"}, 2, false)->left);
  EXPECT_FALSE(service.remove(id, {"nobody"}, 3, false)->left);
}

TEST_F(DeviceServiceTest, OrdersThatWereOvertakenAreRefused) {
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume, 5)));
  ASSERT_TRUE(service.remove(id, {"vm1"}, 6, false));
  EXPECT_EQ(service.put(id, device_spec("vm1", volume, 5)).error().code,
            ErrorCode::stale_generation);
  EXPECT_EQ(service.remove(id, {"vm1"}, 5, true).error().code, ErrorCode::stale_generation);
  EXPECT_TRUE(service.put(id, device_spec("vm1", volume, 7)));
}

// An attach that hangs must not be passed by the detach that was ordered after it.
TEST_F(DeviceServiceTest, OrdersForOneAttachmentRunOneAfterTheOther) {
  std::atomic<bool> attaching = false;
  std::atomic<bool> go_on = false;
  initiator.set_target([&](const wire::SessionSpec& session) -> Result<std::string> {
    attaching = true;
    test::eventually([&] { return go_on.load(); });
    return session.volume.str();
  });
  Result<wire::DeviceStatus> attached;
  std::thread attach([&] { attached = service.put(id, device_spec("vm1", volume, 1)); });
  ASSERT_TRUE(test::eventually([&] { return attaching.load(); }));
  Result<DeviceService::Removal> removed;
  std::thread detach([&] { removed = service.remove(id, {"vm1"}, 2, true); });
  go_on = true;
  attach.join();
  detach.join();
  ASSERT_TRUE(removed);
  EXPECT_TRUE(hypervisor.look("vm1")->devices.empty());
}

}  // namespace
}  // namespace vbs::vmm_delegate
