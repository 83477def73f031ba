// Work on bytes takes as long as it takes: whoever makes progress is not undone, and people are
// told how far it is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kVolumeBytes = 1 << 20;

/// A volume server that is busy with a volume's bytes, for as long as `busy` says; then it answers
/// for itself.
class ProgressTest : public testing::Test {
 protected:
  ProgressTest() {
    world.kill_front();
    world.settings.workflows.copy_deadline = Milliseconds(600'000);
    world.start_front();
    run_seconds(1);
    world.network.set_intercept(
        [this](const api::DelegateCall& call) -> std::optional<http::Response> {
          if (!busy || call.method == Method::get || !call.path.starts_with("/v1/volumes/"))
            return std::nullopt;
          return at_work(*Uuid::parse(call.path.substr(sizeof("/v1/volumes/") - 1, 36)));
        });
  }

  http::Response at_work(const Uuid& id) {
    ++asked;
    wire::VolumeStatus status;
    status.id = id;
    status.size_bytes = kVolumeBytes;
    status.state = state;
    status.copied_bytes = static_cast<std::uint64_t>(done_bytes);
    json::Writer out;
    status.to_json(out);
    return http::json(202, out.take());
  }
  void run_seconds(std::int64_t seconds) { world.time.run_for(Milliseconds(1000 * seconds)); }
  /// That many minutes in which every second something is done.
  void work_minutes(int minutes) {
    for (int i = 0; i < 60 * minutes; ++i) {
      done_bytes += 1024;
      run_seconds(1);
    }
  }
  std::shared_ptr<World::Answer> begin() {
    auto answer = world.send(Method::post, "/v1/volumes", R"({"size_bytes":1048576})");
    run_seconds(1);
    return answer;
  }
  std::string operation(const std::shared_ptr<World::Answer>& answer) {
    const std::string id = answer->member("operation", "id");
    const auto shown = world.send(Method::get, "/v1/operations/" + id);
    run_seconds(1);
    return shown->response->body;
  }

  World world{17};
  bool busy = true;
  std::string state = "copying";
  std::int64_t done_bytes = 0;
  int asked = 0;
};

TEST_F(ProgressTest, PutsTheDeadlineOff) {
  const auto answer = begin();
  work_minutes(15);
  EXPECT_THAT(operation(answer),
              AllOf(HasSubstr(R"("state":"running")"),
                    HasSubstr("volume server vs1 to fill it with zeros: "), HasSubstr("K of ")));
  busy = false;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"succeeded")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ProgressTest, WaitsItsTurnBeforeTheFirstByte) {
  const auto answer = begin();
  run_seconds(400);
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"running")"));
  busy = false;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"succeeded")"));
}

TEST_F(ProgressTest, ThatEndsEndsThePatience) {
  const auto answer = begin();
  work_minutes(15);
  run_seconds(590);
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"running")"));
  run_seconds(30);
  busy = false;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), AllOf(HasSubstr(R"("state":"failed")"),
                                       HasSubstr("not settled before its deadline")));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ProgressTest, FromTheStartAgainIsNone) {
  const auto answer = begin();
  work_minutes(15);
  done_bytes = 0;
  run_seconds(590);
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"running")"));
  work_minutes(15);
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"running")"));
  busy = false;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"succeeded")"));
}

TEST_F(ProgressTest, WhileTheFrontWasDownCounts) {
  const auto answer = begin();
  work_minutes(1);
  world.kill_front();
  work_minutes(20);
  world.start_front();
  run_seconds(5);
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"running")"));
  busy = false;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"succeeded")"));
}

TEST_F(ProgressTest, NoneWhileTheFrontWasDownIsHeardOnce) {
  const auto answer = begin();
  work_minutes(1);
  run_seconds(5);  // what was done last is on record
  world.kill_front();
  run_seconds(1'200);
  asked = 0;
  world.start_front();
  run_seconds(5);
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"undoing")"));
  EXPECT_GE(asked, 1);
  busy = false;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"failed")"));
}

// It is heard, and has the volume: what has become true is not undone.
TEST_F(ProgressTest, AnEndWhileTheFrontWasDownIsHeard) {
  const auto answer = begin();
  work_minutes(1);
  world.kill_front();
  run_seconds(1'200);
  busy = false;
  world.start_front();
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"succeeded")"));
}

TEST_F(ProgressTest, OfAWipeIsShown) {
  busy = false;
  const std::string volume = world.create_volume();
  busy = true;
  state = "deleting";
  done_bytes = kVolumeBytes / 4;
  const auto answer = world.send(Method::del, "/v1/volumes/" + volume);
  run_seconds(900);
  EXPECT_THAT(operation(answer),
              AllOf(HasSubstr(R"("state":"running")"), HasSubstr("being wiped: 256K of 1M")));
  busy = false;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"succeeded")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ProgressTest, OfAGrowthIsShownAndWaitedFor) {
  busy = false;
  const std::string volume = world.create_volume();
  busy = true;
  state = "growing";
  const auto answer =
      world.send(Method::patch, "/v1/volumes/" + volume, R"({"size_bytes":4194304})");
  run_seconds(1);
  work_minutes(15);
  EXPECT_THAT(operation(answer),
              AllOf(HasSubstr(R"("state":"running")"),
                    HasSubstr("to fill what is new with zeros: "), HasSubstr("K of ")));
  busy = false;
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"succeeded")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

}  // namespace
}  // namespace vbs::sim
