// A volume on its way to a VM, with it, and on its way back: whoever asks, at whatever moment, its
// bytes are not deleted, and its target does not go before its device.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::IsEmpty;

/// What is not refused makes orders of its own.
constexpr std::size_t kMostAsked = 200;

class InUseTest : public testing::TestWithParam<InitiatorKind> {
 protected:
  InUseTest() : world(11, GetParam()) {
    volume = world.create_volume();
    path = "/v1/volumes/" + volume;
    world.network.set_watch([this] { look(); });
  }
  ~InUseTest() override { world.network.set_watch({}); }

  /// After each order to a delegate, and in between.
  void look() {
    const std::size_t devices = world.vmm.hypervisor.look("vm1")->devices.size();
    const std::size_t targets = world.volumes.target.targets().size();
    if (devices > targets) without_target = true;
    if (targets == 0 || asked.size() >= kMostAsked) return;
    asked.push_back(world.send(Method::del, path));
    asked.push_back(world.send(Method::post, path + "/attachments", R"({"vm":"vm2"})"));
  }

  /// Those that were not refused.
  std::vector<std::string> not_refused() const {
    std::vector<std::string> found;
    for (const auto& answer : asked) {
      if (answer->status() != 409U)
        found.push_back(answer->response ? answer->response->body : "no answer");
    }
    return found;
  }

  World world;
  std::string volume;
  std::string path;
  bool without_target = false;
  std::vector<std::shared_ptr<World::Answer>> asked;
};

TEST_P(InUseTest, NothingIsTakenFromUnderIt) {
  const std::string attachment = world.attach(volume);
  look();
  const std::size_t while_attached = asked.size();
  EXPECT_GT(while_attached, 0U);
  const auto detached = world.carry_out(Method::del, path + "/attachments/" + attachment);
  EXPECT_EQ(detached.status(), 202U);
  EXPECT_GT(asked.size(), while_attached);
  EXPECT_LT(asked.size(), kMostAsked);
  EXPECT_THAT(not_refused(), IsEmpty());
  EXPECT_FALSE(without_target);
  EXPECT_EQ(world.there(), std::set<std::string>{"volume " + volume});
}

INSTANTIATE_TEST_SUITE_P(Both, InUseTest,
                         testing::Values(InitiatorKind::of_vms, InitiatorKind::of_host),
                         [](const auto& param) {
                           return param.param == InitiatorKind::of_vms ? "OfVms" : "OfHost";
                         });

}  // namespace
}  // namespace vbs::sim
