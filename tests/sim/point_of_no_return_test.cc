// What is known, and what is not, about the step after which an operation only goes forward.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/file_size_limit.h"
#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PointOfNoReturnTest : public testing::Test {
 protected:
  void SetUp() override {
    volume = world.create_volume();
    attachment = world.attach(volume);
    ASSERT_NE(attachment, "");
  }
  std::string detach_path() const { return "/v1/volumes/" + volume + "/attachments/" + attachment; }
  bool arrived(const std::string& call) const {
    const auto& calls = world.network.arrived();
    return std::any_of(calls.begin(), calls.end(),
                       [&](const std::string& one) { return one.starts_with(call); });
  }
  /// Loses the answers to all calls that take a device away, while `lose` is set.
  void lose_answers_to_detach() {
    world.network.set_intercept([this](const api::DelegateCall& call) {
      const bool ours = call.method == Method::del && call.path.starts_with("/v1/devices/");
      if (!ours || !lose) return std::optional<http::Response>();
      lost = true;
      return std::optional(http::problem({ErrorCode::timeout, "lost", {}, {}, {}}));
    });
  }
  std::string operation(const std::shared_ptr<World::Answer>& answer) {
    const std::string id = answer->member("operation", "id");
    return world.carry_out(Method::get, "/v1/operations/" + id).response->body;
  }

  World world{11};
  std::string volume;
  std::string attachment;
  bool lose = true;
  bool lost = false;
};

// The answer is lost, so it may be done; then the guest turns out to have the disk mounted.
TEST_F(PointOfNoReturnTest, ARefusalAfterALostAnswerTurnsBack) {
  world.vmm.hypervisor.mount("vm1", volume, "/data");
  lose_answers_to_detach();
  const auto answer = world.send(Method::del, detach_path());
  ASSERT_TRUE(world.time.run_until([&] { return lost; }, Milliseconds(10'000)));
  lose = false;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"failed")"));
  EXPECT_THAT(operation(answer), HasSubstr("/data"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(PointOfNoReturnTest, ARefusalAfterARestartTurnsBack) {
  world.vmm.hypervisor.mount("vm1", volume, "/data");
  lose_answers_to_detach();
  const auto answer = world.send(Method::del, detach_path());
  ASSERT_TRUE(world.time.run_until([&] { return lost; }, Milliseconds(10'000)));
  world.kill_front();
  lose = false;
  world.start_front();
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"failed")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// What was accepted goes on, whatever the node says later.
TEST_F(PointOfNoReturnTest, AcceptedIsNeverTurnedBack) {
  world.vmm.hypervisor.hold_devices("vm1", true);
  const auto answer = world.send(Method::del, detach_path());
  world.time.run_for(Milliseconds(5'000));
  world.network.set_intercept([](const api::DelegateCall& call) {
    const bool ours = call.method == Method::del && call.path.starts_with("/v1/devices/");
    return ours ? std::optional(http::problem({ErrorCode::conflict, "mounted", {}, {}, {}}))
                : std::nullopt;
  });
  world.time.run_for(Milliseconds(120'000));
  EXPECT_FALSE(world.at_rest());
  world.network.set_intercept({});
  world.vmm.hypervisor.hold_devices("vm1", false);
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"succeeded")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// The volume is gone and the journal cannot be written: neither deadline nor cancel may bring a
// row back to life that has no bytes.
TEST_F(PointOfNoReturnTest, AFullDiskUndoesNothingThatIsDone) {
  const std::string other = world.create_volume();
  const auto answer = world.send(Method::del, "/v1/volumes/" + other);
  const std::string call = "DELETE vs1 /v1/volumes/" + other;
  ASSERT_TRUE(world.time.run_until([&] { return arrived(call); }, Milliseconds(10'000)));
  {
    const fakes::FileSizeLimit full(1);
    world.time.run_for(std::chrono::minutes(15));  // longer than the deadline
    EXPECT_FALSE(world.at_rest());
  }
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"succeeded")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

// A hundred operations before a node that answers nobody: cancel and deadline do not stand in line.
TEST_F(PointOfNoReturnTest, ThoseThatWaitForASlowNodeCanBeCancelledAndRunOut) {
  world.network.set_faults({0, 1, 0, 0, 0, 0});
  std::vector<std::shared_ptr<World::Answer>> answers;
  for (int i = 0; i < 100; ++i) {
    answers.push_back(world.send(Method::post, "/v1/volumes", R"({"size_bytes":1048576})"));
  }
  world.time.run_for(Milliseconds(1'000));
  const std::string last = answers.back()->member("operation", "id");
  const auto cancel = world.send(Method::post, "/v1/operations/" + last + "/cancel");
  world.time.run_for(Milliseconds(1'000));
  ASSERT_TRUE(cancel->response);
  EXPECT_EQ(cancel->status(), 202U);
  EXPECT_THAT(world.journal(), HasSubstr("cancelled on request"));
  world.time.run_for(Milliseconds(75'000));
  for (const auto& answer : answers) {
    const auto shown =
        world.send(Method::get, "/v1/operations/" + answer->member("operation", "id"));
    world.time.run_for(Milliseconds(10));
    EXPECT_THAT(shown->response->body, Not(HasSubstr(R"("state":"running")")));
  }
  world.network.set_faults({});
  ASSERT_TRUE(world.settle());
  world.time.run_for(Milliseconds(60'000));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

}  // namespace
}  // namespace vbs::sim
