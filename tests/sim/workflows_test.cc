// Every workflow, stopped at every event of its run in turn: by the death of the front, or by a
// request to cancel. Whatever the moment, rows and world must agree in the end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/course.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::IsEmpty;

class WorkflowTest : public testing::TestWithParam<Scenario> {
 protected:
  /// Asks for the cancellation and waits for the end; how the operation ended, "" where it had
  /// ended already.
  static std::string cancel(Course& run, const std::string& operation) {
    World& world = run.world;
    const auto asked = world.send(Method::post, "/v1/operations/" + operation + "/cancel");
    EXPECT_TRUE(
        world.time.run_until([&] { return asked->response.has_value(); }, Milliseconds(10'000)));
    const std::size_t calls = world.network.arrived().size();
    EXPECT_TRUE(world.settle());
    const auto body =
        json::parse(world.carry_out(Method::get, "/v1/operations/" + operation).response->body);
    const std::string state = *body->find("state")->as<std::string>();
    if (asked->status() == 409) {
      EXPECT_EQ(state, "succeeded");
      return "";
    }
    EXPECT_EQ(asked->status(), 202U) << asked->response->body;
    // It goes on only where the last call was under way, or one that cannot be undone.
    const bool last_call = world.network.arrived().size() <= calls + 1;
    const bool forward = last_call || GetParam().has_no_return();
    EXPECT_TRUE(state == "cancelled" || (state == "succeeded" && forward)) << world.journal();
    return state;
  }
};

TEST_P(WorkflowTest, EndsWellWithoutFaults) {
  Course run(GetParam());
  ASSERT_TRUE(run.run_to_the_end());
  if (!run.by_itself) {
    EXPECT_EQ(run.answer->status(), 202U) << run.answer->response->body;
  }
  EXPECT_THAT(run.world.journal(), testing::HasSubstr(GetParam().kind + " succeeded"));
  EXPECT_THAT(run.world.disagreements(), IsEmpty());
}

TEST_P(WorkflowTest, SurvivesTheFrontsDeathAtEveryEvent) {
  bool running = true;
  for (int events = 1; running; ++events) {
    SCOPED_TRACE(events);
    Course run(GetParam());
    running = run.pass(events);
    run.world.kill_front();
    run.world.start_front();
    ASSERT_THAT(run.aftermath(), IsEmpty());
    ASSERT_LT(events, 500);
  }
}

TEST_P(WorkflowTest, CanBeCancelledAtEveryEventOrGoesForward) {
  bool running = true;
  int cancelled = 0;
  for (int events = 1; running; ++events) {
    SCOPED_TRACE(events);
    Course run(GetParam());
    running = run.pass(events);
    const std::string operation = run.operation();
    if (!operation.empty() && cancel(run, operation) == "cancelled") {
      ++cancelled;
      if (!run.by_itself) {
        ASSERT_EQ(run.world.there(), run.there_before) << "not undone";
      }
    }
    ASSERT_FALSE(testing::Test::HasFailure());
    ASSERT_THAT(run.aftermath(), IsEmpty());
    ASSERT_LT(events, 500);
  }
  if (!GetParam().has_no_return()) {
    EXPECT_GT(cancelled, 0) << "it could never be cancelled";
  }
}

INSTANTIATE_TEST_SUITE_P(All, WorkflowTest, testing::ValuesIn(scenarios()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace vbs::sim
