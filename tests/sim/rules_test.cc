// What users may and may not do, and what the reconciler does, on the real front and services.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::HasSubstr;
using testing::IsEmpty;

std::string volume_path(const std::string& id) {
  return "/v1/volumes/" + id;
}

class RulesTest : public testing::Test {
 protected:
  World::Answer attach(const std::string& volume, const std::string& body) {
    return world.carry_out(Method::post, volume_path(volume) + "/attachments", body);
  }
  World::Answer detach(const std::string& volume, const std::string& attachment,
                       bool force = false) {
    return world.carry_out(Method::del, volume_path(volume) + "/attachments/" + attachment +
                                            (force ? "?force=true" : ""));
  }
  std::string state_of(const World::Answer& answer) {
    const auto shown =
        world.carry_out(Method::get, "/v1/operations/" + answer.member("operation", "id"));
    const auto body = json::parse(shown.response->body);
    return *body->find("state")->as<std::string>();
  }

  World world{5};
};

TEST_F(RulesTest, OneWriterOrManyReaders) {
  const std::string volume = world.create_volume();
  ASSERT_EQ(attach(volume, R"({"vm":"vm1","read_only":true})").status(), 202u);
  EXPECT_EQ(attach(volume, R"({"vm":"vm2"})").status(), 409u);
  EXPECT_EQ(attach(volume, R"({"vm":"vm1","read_only":true})").status(), 409u);
  EXPECT_EQ(attach(volume, R"({"vm":"vm2","read_only":true})").status(), 202u);
  EXPECT_THAT(world.disagreements(), IsEmpty());

  const std::string other = world.create_volume();
  ASSERT_EQ(attach(other, R"({"vm":"vm1"})").status(), 202u);
  const auto refused = attach(other, R"({"vm":"vm2","read_only":true})");
  EXPECT_EQ(refused.status(), 409u);
  EXPECT_THAT(refused.response->body, HasSubstr("attached to VM vm1"));
}

TEST_F(RulesTest, DeviceNamesAreTakenOncePerVm) {
  const std::string first = world.create_volume();
  const std::string second = world.create_volume();
  ASSERT_EQ(attach(first, R"({"vm":"vm1","device":"/dev/sdc"})").status(), 202u);
  const auto refused = attach(second, R"({"vm":"vm1","device":"/dev/sdc"})");
  EXPECT_EQ(refused.status(), 409u);
  EXPECT_THAT(refused.response->body, HasSubstr(R"("field":"device")"));
  EXPECT_EQ(attach(second, R"({"vm":"vm2","device":"/dev/sdc"})").status(), 202u);
}

TEST_F(RulesTest, VmsThatAreOffOrUnknownAreRefused) {
  const std::string volume = world.create_volume();
  world.vmm.hypervisor.set_state("vm2", "off");
  EXPECT_EQ(attach(volume, R"({"vm":"vm2"})").status(), 409u);
  EXPECT_EQ(attach(volume, R"({"vm":"nobody"})").status(), 404u);
  world.network.set_down("hv1", true);
  EXPECT_EQ(attach(volume, R"({"vm":"vm1"})").status(), 503u);
}

TEST_F(RulesTest, DeleteRefusesVolumesInUseAndForgetsDeletedOnes) {
  const std::string volume = world.create_volume();
  const std::string attachment = world.attach(volume);
  const auto refused = world.carry_out(Method::del, volume_path(volume));
  EXPECT_EQ(refused.status(), 409u);
  EXPECT_THAT(refused.response->body, HasSubstr("attached to VM vm1"));
  ASSERT_EQ(detach(volume, attachment).status(), 202u);
  EXPECT_EQ(world.carry_out(Method::del, volume_path(volume)).status(), 202u);
  EXPECT_EQ(world.carry_out(Method::del, volume_path(volume)).status(), 404u);
  EXPECT_EQ(world.carry_out(Method::get, volume_path(volume)).status(), 404u);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(RulesTest, SnapshotsOutliveTheirVolume) {
  const std::string volume = world.create_volume();
  const std::string body = R"({"volume_id":")" + volume + R"("})";
  const std::string snapshot =
      world.carry_out(Method::post, "/v1/snapshots", body).member("snapshot", "id");
  ASSERT_EQ(world.carry_out(Method::del, volume_path(volume)).status(), 202u);
  const std::string copy = R"({"source":{"type":"snapshot","id":")" + snapshot + R"("}})";
  const auto made = world.carry_out(Method::post, "/v1/volumes", copy);
  EXPECT_EQ(state_of(made), "succeeded");
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(RulesTest, AMountedDiskIsDetachedByForceOnly) {
  const std::string volume = world.create_volume();
  const std::string attachment = world.attach(volume);
  world.vmm.hypervisor.mount("vm1", volume, "/data");
  EXPECT_EQ(state_of(detach(volume, attachment)), "failed");
  EXPECT_EQ(state_of(detach(volume, attachment, true)), "succeeded");
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(RulesTest, ForcePassesOverANodeThatIsDown) {
  const std::string volume = world.create_volume();
  const std::string attachment = world.attach(volume);
  world.network.set_down("hv1", true);
  const auto forced = detach(volume, attachment, true);
  EXPECT_EQ(state_of(forced), "succeeded");
  const auto shown =
      world.carry_out(Method::get, "/v1/operations/" + forced.member("operation", "id"));
  EXPECT_THAT(shown.response->body, HasSubstr("not proven"));
  world.network.set_down("hv1", false);
  world.time.run_for(Milliseconds(60'000));  // the reconciler takes the device away
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// As QEMU does with requests in flight: it cannot let go of a disk whose target is gone.
TEST_F(RulesTest, ADeviceThatWasPassedOverFindsAnEmptyTarget) {
  const std::string volume = world.create_volume();
  const std::string attachment = world.attach(volume);
  const auto target = [&]() -> std::optional<volume_delegate::TargetView> {
    const auto all = world.volumes.target.list();
    for (const auto& view : *all) {
      if (view.iqn.ends_with(attachment)) return view;
    }
    return std::nullopt;
  };
  world.vmm.hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
    if (call != "detach" || after || target()) return std::nullopt;
    return Error{ErrorCode::node_unavailable, "the VM would stand still", {}, {}, {}};
  });
  world.network.set_down("hv1", true);
  ASSERT_EQ(state_of(detach(volume, attachment, true)), "succeeded");
  world.time.run_for(Milliseconds(120'000));
  ASSERT_TRUE(target()) << "kept as long as the node is not heard of";
  EXPECT_EQ(target()->device, "");
  EXPECT_EQ(world.carry_out(Method::del, volume_path(volume)).status(), 202u);

  world.network.set_down("hv1", false);
  world.time.run_for(Milliseconds(120'000));
  EXPECT_THAT(world.disagreements(), IsEmpty()) << "first the device has gone, then the target";
}

TEST_F(RulesTest, AKeyBelongsToOneRequest) {
  const std::string body = R"({"size_bytes":1048576})";
  const auto first = world.carry_out(Method::post, "/v1/volumes", body, "key-1");
  const auto again = world.carry_out(Method::post, "/v1/volumes", body, "key-1");
  EXPECT_EQ(again.member("operation", "id"), first.member("operation", "id"));
  EXPECT_EQ(again.status(), 200u);
  EXPECT_EQ(
      world.carry_out(Method::post, "/v1/volumes", R"({"size_bytes":2097152})", "key-1").status(),
      409u);
  world.kill_front();
  world.start_front();
  const auto later = world.carry_out(Method::post, "/v1/volumes", body, "key-1");
  EXPECT_EQ(later.member("operation", "id"), first.member("operation", "id"));
}

TEST_F(RulesTest, QuotasAreExactHoweverManyAskAtOnce) {
  world.kill_front();
  world.settings.default_quota.volumes = 3;
  world.start_front();
  std::vector<std::shared_ptr<World::Answer>> answers;
  for (int i = 0; i < 16; ++i)
    answers.push_back(world.send(Method::post, "/v1/volumes", R"({"size_bytes":1048576})"));
  world.settle();
  world.time.run_for(Milliseconds(1'000));
  const auto accepted = std::count_if(answers.begin(), answers.end(),
                                      [](const auto& a) { return a->status() == 202; });
  EXPECT_EQ(accepted, 3);
  EXPECT_EQ(answers.back()->status(), http_status(ErrorCode::quota_exceeded));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(RulesTest, AVmThatWasOffGetsItsDisksBack) {
  world.attach(world.create_volume());
  world.vmm.hypervisor.set_state("vm1", "off");
  world.time.run_for(Milliseconds(60'000));
  world.vmm.hypervisor.set_state("vm1", "running");
  world.time.run_for(Milliseconds(60'000));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

}  // namespace
}  // namespace vbs::sim
