// More is asked for than can be done: what makes room goes first, the rest is turned away in time.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::IsEmpty;

class OverloadTest : public testing::Test {
 protected:
  std::shared_ptr<World::Answer> ask_for_a_volume() {
    return world.send(Method::post, "/v1/volumes", R"({"size_bytes":1048576})");
  }
  void answered(const std::shared_ptr<World::Answer>& answer) {
    ASSERT_TRUE(
        world.time.run_until([&] { return answer->response.has_value(); }, Milliseconds(10'000)));
  }
  void restart() {
    world.kill_front();
    world.start_front();
  }
  /// The number of an order among all that have arrived; their count if it has not.
  std::size_t place_of(const std::string& order) {
    const auto& orders = world.network.arrived();
    return static_cast<std::size_t>(std::find(orders.begin(), orders.end(), order) -
                                    orders.begin());
  }

  World world{11};
};

TEST_F(OverloadTest, DeletesGoBeforeCreatesThatWait) {
  world.settings.engine.calls_per_node = 1;
  restart();
  const std::string old = world.create_volume();
  for (int i = 0; i < 100; ++i) ask_for_a_volume();
  const std::size_t before = world.network.arrived().size();
  answered(world.send(Method::del, "/v1/volumes/" + old));
  ASSERT_TRUE(world.settle());
  EXPECT_LT(place_of("DELETE vs1 /v1/volumes/" + old), before + 10);
  EXPECT_EQ(world.network.arrived().size(), before + 101);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(OverloadTest, DetachesGoBeforeCreatesThatWait) {
  world.settings.engine.calls_per_node = 1;
  restart();
  const std::string old = world.create_volume();
  const std::string attachment = world.attach(old);
  for (int i = 0; i < 100; ++i) ask_for_a_volume();
  const std::size_t before = world.network.arrived().size();
  answered(world.send(Method::del, "/v1/volumes/" + old + "/attachments/" + attachment));
  ASSERT_TRUE(world.settle());
  // Nobody stands in its way on the VMM node, and a hundred do on the volume server.
  EXPECT_LT(place_of("DELETE hv1 /v1/devices/" + attachment), before + 10);
  EXPECT_LT(place_of("DELETE vs1 /v1/exports/" + attachment), before + 10);
  EXPECT_EQ(world.network.arrived().size(), before + 103);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// The undoing of a snapshot begins on another node than the one that it waited for.
TEST_F(OverloadTest, AHeldGuestIsLetGoAsSoonAsItsNodeIsFree) {
  world.settings.engine.calls_per_node = 1;
  world.settings.workflows.lease_margin = Milliseconds(60'000);
  restart();
  const std::string imaged = world.create_volume();
  world.attach(imaged);
  const std::string leaving = world.create_volume();
  const std::string attachment = world.attach(leaving, "vm2");
  world.network.set_fate([](const api::DelegateCall& call) {
    fakes::Fate fate;
    fate.request_lost = call.path.starts_with("/v1/snapshots/") ||
                        (call.path.starts_with("/v1/volumes/") && call.method == Method::put) ||
                        call.path.starts_with("/v1/devices/");
    return fate;
  });
  const auto snapshot =
      world.send(Method::post, "/v1/snapshots", R"({"volume_id":")" + imaged + R"("})");
  ASSERT_TRUE(world.time.run_until([&] { return world.vmm.hypervisor.state("vm1") == "paused"; },
                                   Milliseconds(1'000)));
  for (int i = 0; i < 8; ++i) ask_for_a_volume();
  world.time.run_for(Milliseconds(11'000));  // its call was given up, and it stands behind these
  answered(world.send(Method::del, "/v1/volumes/" + leaving + "/attachments/" + attachment));
  world.time.run_for(Milliseconds(5'000));  // the VMM node is busy for 20 s
  answered(world.send(Method::post,
                      "/v1/operations/" + snapshot->member("operation", "id") + "/cancel"));
  EXPECT_EQ(world.vmm.hypervisor.state("vm1"), "paused");
  world.time.run_for(Milliseconds(15'500));
  EXPECT_EQ(world.vmm.hypervisor.state("vm1"), "running");
  world.network.set_fate({});
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(OverloadTest, BeyondTheMostOnlyWhatMakesRoomIsBegun) {
  world.settings.max_operations = 3;
  restart();
  const std::string old = world.create_volume();
  const std::string leaving = world.create_volume();
  const std::string attachment = world.attach(leaving);
  world.network.set_down("vs1", true);
  for (int i = 0; i < 3; ++i) {
    const auto taken = ask_for_a_volume();
    answered(taken);
    EXPECT_EQ(taken->status(), 202u);
  }
  const auto refused = ask_for_a_volume();
  answered(refused);
  EXPECT_EQ(refused->status(), 503u);
  EXPECT_TRUE(refused->response->headers.find("Retry-After"));
  EXPECT_THAT(refused->response->body, testing::HasSubstr("overloaded"));
  EXPECT_THAT(refused->response->body, testing::HasSubstr("3 operations are in work"));
  const auto removal = world.send(Method::del, "/v1/volumes/" + old);
  answered(removal);
  EXPECT_EQ(removal->status(), 202u);
  const auto detach =
      world.send(Method::del, "/v1/volumes/" + leaving + "/attachments/" + attachment);
  answered(detach);
  EXPECT_EQ(detach->status(), 202u);
  EXPECT_EQ(world.rows("volumes"), 5);
  world.network.set_down("vs1", false);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.carry_out(Method::post, "/v1/volumes", R"({"size_bytes":1048576})").status(),
            202u);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

}  // namespace
}  // namespace vbs::sim
