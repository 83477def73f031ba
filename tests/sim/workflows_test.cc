// Every workflow, stopped at every event of its run in turn: by the death of the front, or by a
// request to cancel. Whatever the moment, rows and world must agree in the end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/workflow/registry.h"
#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::IsEmpty;

/// Two sweeps, which see and mend what a lost call or a cancelled repair left.
constexpr Milliseconds kTwoSweeps{45'000};

struct Request {
  Method method = Method::post;
  std::string path;  ///< "": the reconciler has begun the operation by itself
  std::string body;
};

/// How to make one workflow run.
struct Case {
  std::string name;
  std::string kind;
  std::function<Request(World&)> prepare;
};

std::string snapshot_body(const std::string& volume) {
  return R"({"volume_id":")" + volume + R"("})";
}

std::string make_snapshot(World& world, const std::string& volume) {
  return world.carry_out(Method::post, "/v1/snapshots", snapshot_body(volume))
      .member("snapshot", "id");
}

Request make_larger(const std::string& volume) {
  return {Method::patch, "/v1/volumes/" + volume, R"({"size_bytes":3145728})"};
}

Request make_copy(const std::string& type, const std::string& source) {
  return {Method::post, "/v1/volumes",
          R"({"source":{"type":")" + type + R"(","id":")" + source + R"("}})"};
}

/// The reconciler finds out what somebody did by hand.
Request await_sweep(World& world) {
  world.time.run_until([&] { return !world.at_rest(); }, kTwoSweeps);
  return {};
}

/// Somebody takes the device of an attachment away.
Request lose_device(World& world) {
  const std::string attachment = world.attach(world.create_volume());
  EXPECT_TRUE(world.vmm.hypervisor.detach("vm1", *Uuid::parse(attachment)));
  return await_sweep(world);
}

/// A deleted volume is back, as after an order that came very late.
Request bring_back(World& world) {
  const std::string volume = world.create_volume();
  world.carry_out(Method::del, "/v1/volumes/" + volume);
  EXPECT_TRUE(world.volumes.store.create_volume(*Uuid::parse(volume), 1 << 20));
  return await_sweep(world);
}

Request make_from_image(World& world) {
  world.volumes.store.offer({Uuid::generate(world.clock, world.random), "base", 3 << 20});
  world.time.run_for(kTwoSweeps);
  return {Method::post, "/v1/volumes", R"({"image":"base"})"};
}

std::vector<Case> cases() {
  const auto make = [](World&) {
    return Request{Method::post, "/v1/volumes", R"({"size_bytes":1048576,"name":"v"})"};
  };
  const auto copy_snapshot = [](World& w) {
    return make_copy("snapshot", make_snapshot(w, w.create_volume()));
  };
  const auto copy_volume = [](World& w) { return make_copy("volume", w.create_volume()); };
  const auto grow = [](World& w) { return make_larger(w.create_volume()); };
  const auto grow_attached = [](World& w) {
    const std::string volume = w.create_volume();
    EXPECT_FALSE(w.attach(volume).empty());
    return make_larger(volume);
  };
  const auto grow_shared = [](World& w) {
    const std::string volume = w.create_volume();
    for (const std::string vm : {"vm1", "vm2"}) {
      w.carry_out(Method::post, "/v1/volumes/" + volume + "/attachments",
                  R"({"read_only":true,"vm":")" + vm + R"("})");
    }
    return make_larger(volume);
  };
  const auto remove = [](World& w) {
    return Request{Method::del, "/v1/volumes/" + w.create_volume(), ""};
  };
  const auto attach = [](World& w) {
    return Request{Method::post, "/v1/volumes/" + w.create_volume() + "/attachments",
                   R"({"vm":"vm1"})"};
  };
  const auto detach = [](World& w) {
    const std::string volume = w.create_volume();
    return Request{Method::del, "/v1/volumes/" + volume + "/attachments/" + w.attach(volume), ""};
  };
  const auto snapshot = [](World& w) {
    const std::string volume = w.create_volume();
    EXPECT_FALSE(w.attach(volume).empty());
    return Request{Method::post, "/v1/snapshots", snapshot_body(volume)};
  };
  const auto remove_snapshot = [](World& w) {
    return Request{Method::del, "/v1/snapshots/" + make_snapshot(w, w.create_volume()), ""};
  };
  return {{"CreateVolume", "create-volume", make},
          {"CopyOfASnapshot", "create-volume", copy_snapshot},
          {"CopyOfAVolume", "create-volume", copy_volume},
          {"CopyOfAnImage", "create-volume", make_from_image},
          {"ModifyVolume", "modify-volume", grow},
          {"ModifyAttachedVolume", "modify-volume", grow_attached},
          {"ModifySharedVolume", "modify-volume", grow_shared},
          {"DeleteVolume", "delete-volume", remove},
          {"AttachVolume", "attach-volume", attach},
          {"DetachVolume", "detach-volume", detach},
          {"CreateSnapshot", "create-snapshot", snapshot},
          {"DeleteSnapshot", "delete-snapshot", remove_snapshot},
          {"RepairAttachment", "repair-attachment", lose_device},
          {"RemoveLeftover", "remove-leftover", bring_back}};
}

/// One run of a workflow, up to some event.
struct Course {
  Course(const Case& how, std::uint64_t seed) : world(seed) {
    const Request request = how.prepare(world);
    there_before = world.there();
    by_itself = request.path.empty();
    if (!by_itself) answer = world.send(request.method, request.path, request.body);
  }
  /// False when the operation was over before.
  bool pass(int events) {
    for (int i = 0; i < events; ++i) {
      world.time.run_next();
      if ((by_itself || answer->response) && world.at_rest()) return false;
    }
    return true;
  }
  /// "" as long as nobody can know it.
  std::string operation() {
    if (by_itself) return world.live_operation();
    return answer->response ? answer->member("operation", "id") : "";
  }

  World world;
  std::set<std::string> there_before;
  bool by_itself = false;
  std::shared_ptr<World::Answer> answer;
};

bool only_goes_forward_from_some_step(const std::string& kind) {
  const workflow::Registry registry;
  const auto& steps = registry.find(kind)->steps;
  return std::any_of(steps.begin(), steps.end(),
                     [](const workflow::Step& step) { return step.point_of_no_return; });
}

class WorkflowTest : public testing::TestWithParam<Case> {
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
    const bool forward = last_call || only_goes_forward_from_some_step(GetParam().kind);
    EXPECT_TRUE(state == "cancelled" || (state == "succeeded" && forward)) << world.journal();
    return state;
  }
};

TEST_P(WorkflowTest, EndsWellWithoutFaults) {
  Course run(GetParam(), 1);
  World& world = run.world;
  if (!run.by_itself) {
    ASSERT_TRUE(world.time.run_until([&] { return run.answer->response.has_value(); },
                                     Milliseconds(10'000)));
    EXPECT_EQ(run.answer->status(), 202U) << run.answer->response->body;
  }
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(world.journal(), testing::HasSubstr(GetParam().kind + " succeeded"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_P(WorkflowTest, SurvivesTheFrontsDeathAtEveryEvent) {
  bool running = true;
  for (int events = 1; running; ++events) {
    SCOPED_TRACE(events);
    Course run(GetParam(), 7);
    running = run.pass(events);
    run.world.kill_front();
    run.world.start_front();
    ASSERT_TRUE(run.world.settle());
    run.world.time.run_for(kTwoSweeps);
    ASSERT_TRUE(run.world.settle());
    ASSERT_THAT(run.world.disagreements(), IsEmpty());
    ASSERT_LT(events, 500);
  }
}

TEST_P(WorkflowTest, CanBeCancelledAtEveryEventOrGoesForward) {
  bool running = true;
  int cancelled = 0;
  for (int events = 1; running; ++events) {
    SCOPED_TRACE(events);
    Course run(GetParam(), 7);
    running = run.pass(events);
    const std::string operation = run.operation();
    if (!operation.empty() && cancel(run, operation) == "cancelled") {
      ++cancelled;
      if (!run.by_itself) {
        ASSERT_EQ(run.world.there(), run.there_before) << "not undone";
      }
    }
    ASSERT_FALSE(testing::Test::HasFailure());
    run.world.time.run_for(kTwoSweeps);
    ASSERT_TRUE(run.world.settle());
    ASSERT_THAT(run.world.disagreements(), IsEmpty());
    ASSERT_LT(events, 500);
  }
  if (!only_goes_forward_from_some_step(GetParam().kind)) {
    EXPECT_GT(cancelled, 0) << "it could never be cancelled";
  }
}

INSTANTIATE_TEST_SUITE_P(All, WorkflowTest, testing::ValuesIn(cases()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace vbs::sim
