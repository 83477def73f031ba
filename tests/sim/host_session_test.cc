// VMM nodes whose host is the initiator: what is left of a session that nobody wants any more goes,
// after the device that needs it and before the target that answers it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class HostSessionTest : public testing::Test {
 protected:
  void SetUp() override {
    volume = world.create_volume();
    attachment = world.attach(volume);
    ASSERT_THAT(sessions(), ElementsAre(*Uuid::parse(attachment)));
  }
  std::vector<Uuid> sessions() {
    std::vector<Uuid> ids;
    const auto all = world.vmm.initiator.sessions();
    for (const wire::SessionStatus& session : *all) ids.push_back(session.attachment);
    return ids;
  }
  void detach_by_force() {
    const auto asked = world.carry_out(
        Method::del, "/v1/volumes/" + volume + "/attachments/" + attachment + "?force=true");
    ASSERT_EQ(asked.status(), 202u) << asked.response->body;
  }
  std::string audit() { return world.carry_out(Method::get, "/v1/audit").response->body; }
  void run_seconds(std::int64_t seconds) { world.time.run_for(Milliseconds(1000 * seconds)); }
  std::vector<std::string> calls_since(std::size_t first) {
    const auto& calls = world.network.arrived();
    return {calls.begin() + static_cast<std::ptrdiff_t>(first), calls.end()};
  }

  World world{21, InitiatorKind::of_host};
  std::string volume;
  std::string attachment;
};

TEST_F(HostSessionTest, OfANodeThatWasPassedOverGoesBetweenDeviceAndTarget) {
  world.network.set_down("hv1", true);
  detach_by_force();
  world.network.set_down("hv1", false);
  const std::size_t before = world.network.arrived().size();
  run_seconds(120);
  EXPECT_THAT(calls_since(before), ElementsAre("DELETE hv1 /v1/devices/" + attachment,
                                               "DELETE hv1 /v1/sessions/" + attachment,
                                               "DELETE vs1 /v1/exports/" + attachment));
  EXPECT_THAT(sessions(), IsEmpty());
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(HostSessionTest, OfANodeThatIsBackInBetweenDoesNotHoldUpTheDetach) {
  world.network.set_down("hv1", true);
  world.send(Method::del, "/v1/volumes/" + volume + "/attachments/" + attachment + "?force=true");
  ASSERT_TRUE(world.time.run_until(
      [&] { return world.journal().find("block-detach done") != std::string::npos; },
      Milliseconds(60'000)));
  world.vmm.hypervisor.hold_devices("vm1", true);
  world.network.set_down("hv1", false);
  ASSERT_TRUE(world.time.run_until([&] { return world.at_rest(); }, Milliseconds(60'000)));
  EXPECT_THAT(world.journal(), HasSubstr("log-out done not proven: VMM node hv1 still uses"));
  world.vmm.hypervisor.hold_devices("vm1", false);
  run_seconds(120);
  EXPECT_THAT(sessions(), IsEmpty());
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(HostSessionTest, OfAVmThatIsOffGoesBeforeTheTarget) {
  world.network.set_down("hv1", true);
  detach_by_force();
  world.vmm.hypervisor.set_state("vm1", "off");
  world.network.set_down("hv1", false);
  const std::size_t before = world.network.arrived().size();
  run_seconds(120);
  EXPECT_THAT(calls_since(before), ElementsAre("DELETE hv1 /v1/sessions/" + attachment,
                                               "DELETE vs1 /v1/exports/" + attachment));
  EXPECT_THAT(sessions(), IsEmpty());
}

TEST_F(HostSessionTest, ThatStaysKeepsItsTarget) {
  world.network.set_down("hv1", true);
  detach_by_force();
  world.network.set_down("hv1", false);
  world.network.set_intercept([](const api::DelegateCall& call) -> std::optional<http::Response> {
    if (call.method != Method::del || !call.path.starts_with("/v1/sessions/")) return std::nullopt;
    return http::problem({ErrorCode::conflict, "not now", {}, {}, {}});
  });
  run_seconds(300);
  EXPECT_THAT(audit(), AllOf(HasSubstr(R"("kind":"leftover-session")"),
                             HasSubstr("kept until its VMM node has let go of it")));
  EXPECT_THAT(world.there(), Contains("target iqn.2026-01.vbs:" + attachment));
}

TEST_F(HostSessionTest, OfAnOpenAttachmentStays) {
  world.vmm.hypervisor.set_state("vm1", "off");
  run_seconds(120);
  EXPECT_THAT(sessions(), ElementsAre(*Uuid::parse(attachment)));
  EXPECT_THAT(audit(), Not(HasSubstr("-session")));
}

TEST_F(HostSessionTest, OfSomebodyElseIsLeftAlone) {
  const Uuid foreign = Uuid::generate(world.clock, world.random);
  wire::SessionSpec spec;
  spec.volume = foreign;
  world.vmm.initiator.set_target({});  // one of another server
  ASSERT_TRUE(world.vmm.initiator.log_in(foreign, spec));
  run_seconds(120);
  EXPECT_THAT(sessions(), Contains(foreign));
  EXPECT_THAT(audit(), HasSubstr(R"("kind":"foreign-session")"));
}

}  // namespace
}  // namespace vbs::sim
