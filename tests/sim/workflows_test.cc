// Every workflow, stopped at every event of its run in turn: by the death of the front, or by a
// request to cancel. Whatever the moment, rows and world must agree in the end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

/// How to make one workflow run; `prepare` gives the path that `request` goes to.
struct Case {
  std::string kind;
  http::Method method;
  std::string body;
  std::function<std::string(World&)> prepare;
};

std::vector<Case> cases() {
  using http::Method;
  return {
      {"create-volume", Method::post, R"({"size_bytes":1048576,"name":"v"})",
       [](World&) { return "/v1/volumes"; }},
      {"delete-volume", Method::del, "",
       [](World& w) { return "/v1/volumes/" + w.create_volume(); }},
      {"attach-volume", Method::post, R"({"vm":"vm1"})",
       [](World& w) { return "/v1/volumes/" + w.create_volume() + "/attachments"; }},
      {"detach-volume", Method::del, "",
       [](World& w) {
         const std::string volume = w.create_volume();
         return "/v1/volumes/" + volume + "/attachments/" + w.attach(volume);
       }},
      {"delete-snapshot", Method::del, "",
       [](World& w) {
         const std::string body = R"({"volume_id":")" + w.create_volume() + R"("})";
         return "/v1/snapshots/" +
                w.carry_out(Method::post, "/v1/snapshots", body).member("snapshot", "id");
       }},
  };
}

/// create-snapshot of an attached volume; its body holds the volume.
Case snapshot_case(World& world) {
  const std::string volume = world.create_volume();
  EXPECT_FALSE(world.attach(volume).empty());
  return {"create-snapshot", http::Method::post, R"({"volume_id":")" + volume + R"("})",
          [](World&) { return "/v1/snapshots"; }};
}

class WorkflowTest : public testing::TestWithParam<std::string> {
 protected:
  /// Begins the workflow and runs `events` events of it; false when it was over before.
  static bool begin(World& world, int events, std::shared_ptr<World::Answer>* answer) {
    Case found;
    if (GetParam() == "create-snapshot") found = snapshot_case(world);
    for (const Case& one : cases()) {
      if (one.kind == GetParam()) found = one;
    }
    const std::string path = found.prepare(world);
    *answer = world.send(found.method, path, found.body);
    for (int i = 0; i < events; ++i) {
      world.time.run_next();
      if ((*answer)->response && world.at_rest()) return false;
    }
    return true;
  }
};

TEST_P(WorkflowTest, EndsWellWithoutFaults) {
  World world(1);
  std::shared_ptr<World::Answer> answer;
  begin(world, 0, &answer);
  ASSERT_TRUE(
      world.time.run_until([&] { return answer->response.has_value(); }, Milliseconds(10'000)));
  EXPECT_EQ(answer->response->status, 202u) << answer->response->body;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(world.journal(), testing::HasSubstr(GetParam() + " succeeded"));
  EXPECT_THAT(world.disagreements(), testing::IsEmpty());
}

TEST_P(WorkflowTest, SurvivesTheFrontsDeathAtEveryEvent) {
  bool running = true;
  for (int events = 1; running; ++events) {
    SCOPED_TRACE(events);
    World world(7);
    std::shared_ptr<World::Answer> answer;
    running = begin(world, events, &answer);
    world.kill_front();
    world.start_front();
    ASSERT_TRUE(world.settle());
    world.time.run_for(Milliseconds(45'000));  // two sweeps see and remove what a lost call left
    ASSERT_TRUE(world.settle());
    ASSERT_THAT(world.disagreements(), testing::IsEmpty());
    ASSERT_LT(events, 500);
  }
}

TEST_P(WorkflowTest, CanBeCancelledAtEveryEventOrGoesForward) {
  bool running = true;
  for (int events = 1; running; ++events) {
    SCOPED_TRACE(events);
    World world(7);
    std::shared_ptr<World::Answer> answer;
    running = begin(world, events, &answer);
    if (answer->response) {
      const std::string operation = answer->member("operation", "id");
      const auto cancelled =
          world.carry_out(http::Method::post, "/v1/operations/" + operation + "/cancel");
      ASSERT_TRUE(cancelled.response);
      ASSERT_TRUE(cancelled.response->status == 202 || cancelled.response->status == 409)
          << cancelled.response->body;
    }
    ASSERT_TRUE(world.settle());
    ASSERT_THAT(world.disagreements(), testing::IsEmpty());
    ASSERT_LT(events, 500);
  }
}

INSTANTIATE_TEST_SUITE_P(All, WorkflowTest,
                         testing::Values("create-volume", "delete-volume", "attach-volume",
                                         "detach-volume", "create-snapshot", "delete-snapshot"),
                         [](const auto& param) {
                           std::string name = param.param;
                           name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
                           return name;
                         });

}  // namespace
}  // namespace vbs::sim
