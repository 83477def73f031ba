// Snapshots of a volume that a guest writes to, where the guest is not held as it should be: such a
// snapshot is kept only when it is known to be of one moment.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class HeldGuestTest : public testing::Test {
 protected:
  HeldGuestTest() { world.attach(volume); }

  /// Asks for a snapshot and waits for the end of its operation.
  void snapshot() {
    const auto asked = world.carry_out(Method::post, "/v1/snapshots", body);
    ASSERT_EQ(asked.status(), 202U) << asked.response->body;
    id = asked.member("snapshot", "id");
    operation = asked.member("operation", "id");
  }
  std::string shown_operation() {
    return world.carry_out(Method::get, "/v1/operations/" + operation).response->body;
  }
  /// 404 where it was discarded.
  std::string shown_snapshot() {
    return world.carry_out(Method::get, "/v1/snapshots/" + id).response->body;
  }
  /// Lets this change of the VM fail, as what refuses it would.
  void refuse(const std::vector<std::string>& calls) {
    world.vmm.hypervisor.set_fault(
        [calls](std::string_view call, bool after) -> std::optional<Error> {
          if (after || std::find(calls.begin(), calls.end(), call) == calls.end()) {
            return std::nullopt;
          }
          return Error{ErrorCode::conflict, std::string(call) + " is disabled", {}, {}, {}};
        });
  }

  World world{9};
  const std::string volume = world.create_volume();
  const std::string body = R"({"volume_id":")" + volume + R"("})";
  std::string id;
  std::string operation;
};

TEST_F(HeldGuestTest, AnAgentThatRefusesIsDoneWithout) {
  refuse({"freeze_files", "thaw_files"});
  snapshot();
  EXPECT_THAT(shown_snapshot(), HasSubstr(R"("consistency":"crash")"));
  EXPECT_THAT(world.vmm.hypervisor.effects(), Contains("pause vm1"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(HeldGuestTest, AGuestThatCannotBeStoppedIsNotCopied) {
  refuse({"pause"});
  snapshot();
  EXPECT_THAT(shown_operation(), HasSubstr(R"("state":"failed")"));
  EXPECT_THAT(shown_operation(), HasSubstr("pause is disabled; try again, or detach"));
  EXPECT_THAT(shown_snapshot(), Not(HasSubstr("available")));
  EXPECT_THAT(world.network.arrived(), Not(Contains("PUT vs1 /v1/snapshots/" + id)));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// An operator types `cont` while the volume is copied.
TEST_F(HeldGuestTest, ACopyDuringWhichTheGuestRanIsDiscarded) {
  const auto asked = world.send(Method::post, "/v1/snapshots", body);
  ASSERT_TRUE(world.time.run_until([&] { return world.vmm.hypervisor.state("vm1") == "paused"; },
                                   Milliseconds(10'000)));
  world.vmm.hypervisor.set_state("vm1", "running");
  ASSERT_TRUE(world.settle());
  id = asked->member("snapshot", "id");
  operation = asked->member("operation", "id");
  EXPECT_THAT(shown_operation(), HasSubstr(R"("state":"failed")"));
  EXPECT_THAT(shown_operation(), HasSubstr("the copy is discarded; try again"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// It is not known whether the guest was frozen: it is let go before anything is asked of the volume
// server, which may be slow or down.
TEST_F(HeldGuestTest, AGuestThatMayBeHeldIsLetGoFirst) {
  world.network.set_intercept([this](const api::DelegateCall& call) {
    const bool freeze = call.method == Method::put && call.path.starts_with("/v1/freezes/");
    if (!freeze) return std::optional<http::Response>();
    world.network.set_down("vs1", true);
    return std::optional(http::problem({ErrorCode::timeout, "as the test wants", {}, {}, {}}));
  });
  const auto asked = world.send(Method::post, "/v1/snapshots", body);
  world.time.run_for(Milliseconds(1'000));
  operation = asked->member("operation", "id");
  world.carry_out(Method::post, "/v1/operations/" + operation + "/cancel");
  const std::string thaw = "DELETE hv1 /v1/freezes/" + operation;
  EXPECT_THAT(world.network.arrived(), Contains(thaw));
  EXPECT_FALSE(world.at_rest()) << "the volume server is still down";
  world.network.set_down("vs1", false);
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(shown_operation(), HasSubstr(R"("state":"cancelled")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(HeldGuestTest, AFreezeThatItsNodeHasForgottenDoesNotCount) {
  world.network.set_intercept([](const api::DelegateCall& call) {
    const bool thaw = call.method == Method::del && call.path.starts_with("/v1/freezes/");
    return thaw ? std::optional(http::no_content()) : std::nullopt;
  });
  snapshot();
  world.network.set_intercept({});
  EXPECT_THAT(shown_operation(), HasSubstr(R"("state":"failed")"));
  EXPECT_THAT(shown_operation(), HasSubstr("the copy is discarded"));
  world.time.run_for(Milliseconds(60'000));  // the lease, and what was attached
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// Nobody knows how long a node stays down, and its guests are not held for longer than a lease.
TEST_F(HeldGuestTest, ANodeThatIsDownDoesNotKeepAVolumeLocked) {
  const Milliseconds before = world.time.now();
  const auto asked = world.send(Method::post, "/v1/snapshots", body);
  ASSERT_TRUE(
      world.time.run_until([&] { return asked->response.has_value(); }, Milliseconds(10'000)));
  world.network.set_down("hv1", true);
  ASSERT_TRUE(world.settle());
  EXPECT_LT(world.time.now() - before, Milliseconds(300'000));
  id = asked->member("snapshot", "id");
  operation = asked->member("operation", "id");
  EXPECT_THAT(shown_operation(), HasSubstr(R"("state":"failed")"));
  EXPECT_THAT(shown_operation(), HasSubstr("left to its lease"));
  world.network.set_down("hv1", false);
  world.time.run_for(Milliseconds(60'000));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(HeldGuestTest, APauseAboveTheConfiguredTimeIsRefused) {
  world.volumes.store.set_snapshot_estimate(10'001);
  snapshot();
  EXPECT_THAT(shown_operation(), HasSubstr(R"("state":"failed")"));
  EXPECT_THAT(shown_operation(), HasSubstr("longer than the 10 s that are allowed"));
  EXPECT_THAT(shown_operation(), HasSubstr("detach the volume first, or keep volumes on a file "
                                           "system with reflinks (XFS, Btrfs)"));
  EXPECT_THAT(world.vmm.hypervisor.effects(), Not(Contains("pause vm1")));
}

TEST_F(HeldGuestTest, NoGuestIsHeldForLongerThanPauseAndMargin) {
  std::string asked_for;
  world.network.set_intercept([&](const api::DelegateCall& call) {
    if (call.method == Method::put && call.path.starts_with("/v1/freezes/")) asked_for = call.body;
    return std::optional<http::Response>();
  });
  world.volumes.store.set_snapshot_estimate(10'000);
  snapshot();
  EXPECT_THAT(asked_for, HasSubstr(R"("lease_ms":25000)"));
  world.volumes.store.set_snapshot_estimate(2'000);
  snapshot();
  EXPECT_THAT(asked_for, HasSubstr(R"("lease_ms":19000)"));
}

TEST_F(HeldGuestTest, ACopyThatOutlastsTheLeaseIsDiscarded) {
  world.volumes.copy_time = Milliseconds(60'000);
  const auto asked = world.send(Method::post, "/v1/snapshots", body);
  world.time.run_for(Milliseconds(14'000));
  EXPECT_EQ(world.vmm.hypervisor.state("vm1"), "paused");
  world.time.run_for(Milliseconds(2'000));
  EXPECT_EQ(world.vmm.hypervisor.state("vm1"), "running") << "the lease is of 15 s";
  EXPECT_FALSE(world.vmm.hypervisor.files_frozen("vm1"));
  ASSERT_TRUE(world.settle());
  operation = asked->member("operation", "id");
  EXPECT_THAT(shown_operation(), HasSubstr(R"("state":"failed")"));
  EXPECT_THAT(shown_operation(), HasSubstr("the copy is discarded"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// The agent freezes and hangs; it thaws as soon as it comes round.
TEST_F(HeldGuestTest, AnAgentThatHangsIsAskedUntilItThaws) {
  bool hangs = true;
  world.vmm.hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
    const bool frozen = call == "freeze_files" && after;
    if (!hangs || (!frozen && call != "thaw_files")) return std::nullopt;
    return Error{ErrorCode::timeout, "the guest agent does not answer", {}, {}, {}};
  });
  world.send(Method::post, "/v1/snapshots", body);
  world.time.run_for(Milliseconds(30'000));
  EXPECT_TRUE(world.vmm.hypervisor.files_frozen("vm1"));
  hangs = false;
  world.time.run_for(Milliseconds(5'000));
  EXPECT_FALSE(world.vmm.hypervisor.files_frozen("vm1"));
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// Its guest tells nothing meanwhile, neither how it names a disk nor whether it uses one.
TEST_F(HeldGuestTest, DisksOfAHeldGuestComeAndGoAfterwards) {
  const std::string leaving = world.create_volume();
  const std::string attachment = world.attach(leaving);
  const std::string coming = world.create_volume();
  world.volumes.copy_time = Milliseconds(5'000);
  world.send(Method::post, "/v1/snapshots", body);
  ASSERT_TRUE(world.time.run_until([&] { return world.vmm.hypervisor.state("vm1") == "paused"; },
                                   Milliseconds(10'000)));
  const auto attach =
      world.send(Method::post, "/v1/volumes/" + coming + "/attachments", R"({"vm":"vm1"})");
  const auto detach =
      world.send(Method::del, "/v1/volumes/" + leaving + "/attachments/" + attachment);
  ASSERT_TRUE(world.settle());
  for (const auto& asked : {attach, detach}) {
    operation = asked->member("operation", "id");
    EXPECT_THAT(shown_operation(), HasSubstr(R"("state":"succeeded")"));
  }
  const auto shown = world.carry_out(Method::get, "/v1/volumes/" + coming);
  EXPECT_THAT(shown.response->body, HasSubstr(R"("guest_device":"/dev/)"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// It has only waited: nothing of it is done.
TEST_F(HeldGuestTest, ADetachThatWaitsForAHeldGuestCanBeCancelled) {
  const std::string leaving = world.create_volume();
  const std::string attachment = world.attach(leaving);
  world.volumes.copy_time = Milliseconds(5'000);
  world.send(Method::post, "/v1/snapshots", body);
  ASSERT_TRUE(world.time.run_until([&] { return world.vmm.hypervisor.state("vm1") == "paused"; },
                                   Milliseconds(10'000)));
  const auto detach =
      world.send(Method::del, "/v1/volumes/" + leaving + "/attachments/" + attachment);
  world.time.run_for(Milliseconds(1'000));
  operation = detach->member("operation", "id");
  world.send(Method::post, "/v1/operations/" + operation + "/cancel");
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(shown_operation(), HasSubstr("is held still by freeze"));
  EXPECT_THAT(shown_operation(), HasSubstr(R"("state":"cancelled")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(HeldGuestTest, AVmThatIsOffNeedsNoHolding) {
  world.vmm.hypervisor.set_state("vm1", "off");
  snapshot();
  EXPECT_THAT(shown_snapshot(), HasSubstr(R"("consistency":"crash")"));
  EXPECT_THAT(shown_operation(), HasSubstr("the VM is not running"));
}

}  // namespace
}  // namespace vbs::sim
