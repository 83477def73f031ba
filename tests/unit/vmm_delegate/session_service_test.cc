#include "vmm_delegate/session_service.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/fake_initiator.h"
#include "tests/unit/vmm_delegate/support.h"
#include "vmm_delegate/device_service.h"

namespace vbs::vmm_delegate {
namespace {

using fakes::FakeInitiator;
using test::device_spec;
using test::test_id;

class SessionServiceTest : public testing::Test {
 protected:
  SessionServiceTest() { hypervisor.add_vm("vm1", true); }

  test::TempDir dir;
  test::ManualClock clock;
  fakes::FakeHypervisor hypervisor;
  std::unique_ptr<Generations> generations = *Generations::open(dir.path("generations"), clock);
  AttachmentOrders orders{*generations};
  const Uuid id = test_id(1);
  const Uuid volume = test_id(100);
  const FakeInitiator::Users vms_have_open = [this](const Uuid& attachment) {
    return hypervisor.uses(attachment);
  };
};

TEST_F(SessionServiceTest, WhereVmsLogInThemselvesNothingStays) {
  FakeInitiator initiator{FakeInitiator::Kind::of_vms};
  DeviceService devices{hypervisor, initiator, orders};
  SessionService service{initiator, devices, orders};
  const auto status = service.put(id, device_spec("vm1", volume).session);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->serial, volume.str());
  EXPECT_EQ(status->path, "");
  EXPECT_EQ(service.get(id).error().code, ErrorCode::not_found);
  EXPECT_TRUE(service.remove(id, 2));
}

TEST_F(SessionServiceTest, AHostSessionStaysUntilTheDeviceIsGone) {
  FakeInitiator initiator{FakeInitiator::Kind::of_host};
  initiator.set_users(vms_have_open);
  DeviceService devices{hypervisor, initiator, orders};
  SessionService service{initiator, devices, orders};
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume).session));
  EXPECT_NE(service.get(id)->path, "");
  ASSERT_TRUE(devices.put(id, device_spec("vm1", volume)));
  hypervisor.hold_devices("vm1", true);
  EXPECT_EQ(service.remove(id, 2).error().code, ErrorCode::conflict);
  hypervisor.hold_devices("vm1", false);
  ASSERT_TRUE(devices.remove(id, {"vm1"}, 2, false));
  EXPECT_TRUE(service.remove(id, 2));
  EXPECT_EQ(service.get(id).error().code, ErrorCode::not_found);
  EXPECT_TRUE(service.remove(id, 2)) << "again is harmless";
}

TEST_F(SessionServiceTest, ShowsTheSizeOfAHostSession) {
  FakeInitiator initiator{FakeInitiator::Kind::of_host};
  DeviceService devices{hypervisor, initiator, orders};
  SessionService service{initiator, devices, orders};
  const wire::SessionSpec session = device_spec("vm1", volume).session;
  EXPECT_EQ(service.refresh_size(id, {2 << 20, session}).error().code, ErrorCode::not_found);
  initiator.set_size(1 << 20);
  ASSERT_TRUE(service.put(id, session));
  EXPECT_EQ(service.refresh_size(id, {2 << 20, session}).error().code, ErrorCode::node_unavailable)
      << "the target does not show it yet";
  initiator.set_size(2 << 20);
  EXPECT_EQ(service.refresh_size(id, {2 << 20, session})->size_bytes, 2U << 20);
  EXPECT_EQ(service.get(id)->size_bytes, 2U << 20);
  initiator.set_size(4 << 20);
  EXPECT_EQ(service.refresh_size(id, {3 << 20, session})->size_bytes, 4U << 20)
      << "storage in whole extents has more";
  ASSERT_TRUE(service.remove(id, 5));
  EXPECT_EQ(service.refresh_size(id, {2 << 20, session}).error().code, ErrorCode::stale_generation);
}

TEST_F(SessionServiceTest, WhereVmsLogInThemselvesThereIsNoSizeToShow) {
  FakeInitiator initiator{FakeInitiator::Kind::of_vms};
  DeviceService devices{hypervisor, initiator, orders};
  SessionService service{initiator, devices, orders};
  const auto shown = service.refresh_size(id, {2 << 20, device_spec("vm1", volume).session});
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->size_bytes, 0U);
  EXPECT_EQ(shown->attachment, id);
}

TEST_F(SessionServiceTest, OnlyARemovalThatSucceededIsNoted) {
  FakeInitiator initiator{FakeInitiator::Kind::of_host};
  initiator.set_users(vms_have_open);
  DeviceService devices{hypervisor, initiator, orders};
  SessionService service{initiator, devices, orders};
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume).session));
  ASSERT_TRUE(devices.put(id, device_spec("vm1", volume)));
  hypervisor.hold_devices("vm1", true);
  ASSERT_EQ(service.remove(id, 2).error().code, ErrorCode::conflict);
  hypervisor.hold_devices("vm1", false);
  EXPECT_TRUE(service.put(id, device_spec("vm1", volume, 2).session)) << "it was refused";
  ASSERT_TRUE(devices.remove(id, {"vm1"}, 2, false));
  ASSERT_TRUE(service.remove(id, 2));
  EXPECT_EQ(service.put(id, device_spec("vm1", volume, 2).session).error().code,
            ErrorCode::stale_generation);
}

TEST_F(SessionServiceTest, AVmThatHangsKeepsNothingButWhatItHasOpen) {
  FakeInitiator initiator{FakeInitiator::Kind::of_host};
  initiator.set_users(vms_have_open);
  DeviceService devices{hypervisor, initiator, orders};
  SessionService service{initiator, devices, orders};
  const Uuid other = test_id(2);
  ASSERT_TRUE(service.put(id, device_spec("vm1", volume).session));
  ASSERT_TRUE(devices.put(id, device_spec("vm1", volume)));
  ASSERT_TRUE(service.put(other, device_spec("vm1", test_id(101)).session));
  hypervisor.set_state("vm1", "unknown");
  EXPECT_TRUE(service.remove(other, 2));
  EXPECT_EQ(service.remove(id, 2).error().code, ErrorCode::conflict);
  EXPECT_TRUE(service.get(id));
  hypervisor.set_state("vm1", "off");
  EXPECT_TRUE(service.remove(id, 2));
}

// As a domain that is started again while the device is being removed from what it was before.
TEST_F(SessionServiceTest, AVmThatHasComeByTheDeviceSinceGivesItBack) {
  FakeInitiator initiator{FakeInitiator::Kind::of_host};
  initiator.set_users(vms_have_open);
  DeviceService devices{hypervisor, initiator, orders};
  SessionService service{initiator, devices, orders};
  const wire::DeviceSpec spec = device_spec("vm1", volume);
  ASSERT_TRUE(devices.put(id, spec));
  ASSERT_TRUE(devices.remove(id, {"vm1"}, 2, false));
  ASSERT_TRUE(hypervisor.attach(id, spec, "/dev/disk"));
  EXPECT_TRUE(service.remove(id, 2));
  EXPECT_TRUE(hypervisor.look("vm1")->devices.empty());
  EXPECT_EQ(service.get(id).error().code, ErrorCode::not_found);
}

TEST_F(SessionServiceTest, SharesGenerationsWithDevices) {
  FakeInitiator initiator{FakeInitiator::Kind::of_vms};
  DeviceService devices{hypervisor, initiator, orders};
  SessionService service{initiator, devices, orders};
  ASSERT_TRUE(devices.remove(id, {"vm1"}, 4, false));
  EXPECT_EQ(service.put(id, device_spec("vm1", volume, 3).session).error().code,
            ErrorCode::stale_generation);
  EXPECT_EQ(service.remove(id, 3).error().code, ErrorCode::stale_generation);
  EXPECT_TRUE(service.remove(id, 4));
}

}  // namespace
}  // namespace vbs::vmm_delegate
