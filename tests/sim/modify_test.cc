// modify-volume beyond its plain course: what is refused before anything is touched, what is given
// back, and VMs that cannot be shown the new size while the volume grows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::uint64_t kMiBytes = 1 << 20;

class ModifyTest : public testing::Test {
 protected:
  void SetUp() override { volume = world.create_volume(); }
  std::string path() const { return "/v1/volumes/" + volume; }
  World::Answer grow(std::uint64_t mib, const std::string& key = "") {
    return world.carry_out(Method::patch, path(),
                           R"({"size_bytes":)" + std::to_string(mib * kMiBytes) + "}", key);
  }
  std::string get(const std::string& where) {
    return world.carry_out(Method::get, where).response->body;
  }
  std::string operation(const World::Answer& answer) {
    return get("/v1/operations/" + answer.member("operation", "id"));
  }
  std::uint64_t stored() {
    const auto held = world.volumes.store.find_volume(*Uuid::parse(volume));
    return held ? held->size_bytes / kMiBytes : 0;
  }
  std::uint64_t seen_by(const std::string& vm) {
    const auto view = world.vmm.hypervisor.look(vm);
    return view->devices.empty() ? 0 : view->devices.front().size_bytes / kMiBytes;
  }
  std::string attach(const std::string& vm = "vm1") { return world.attach(volume, vm); }
  std::vector<std::string> calls() { return world.network.arrived(); }
  void run_seconds(std::int64_t seconds) { world.time.run_for(Milliseconds(1000 * seconds)); }
  /// Answers every call whose path ends so with a problem.
  void fail_calls(const std::string& end, const Error& error) {
    world.network.set_intercept(
        [=](const api::DelegateCall& call) -> std::optional<http::Response> {
          if (call.method != Method::put || !call.path.ends_with(end)) return std::nullopt;
          return http::problem(error);
        });
  }
  /// The first order to grow is carried out, and its answer is lost.
  static std::optional<Result<http::Response>> lose_once(const api::DelegateCall& call,
                                                         bool& lost) {
    if (lost || !call.path.ends_with("/size")) return std::nullopt;
    lost = true;
    return fail(ErrorCode::timeout, "lost");
  }
  void expect_unchanged() {
    EXPECT_EQ(stored(), 1u);
    EXPECT_THAT(get(path()), HasSubstr(R"("size_bytes":1048576)"));
    EXPECT_THAT(get("/v1/usage"), HasSubstr(R"("bytes":1048576)"));
    EXPECT_THAT(world.disagreements(), IsEmpty());
  }

  World world{3};
  std::string volume;
};

TEST_F(ModifyTest, GrowsTheStoreTheRowAndTheUsage) {
  const auto answer = grow(3);
  EXPECT_EQ(answer.status(), 202u) << answer.response->body;
  EXPECT_EQ(stored(), 3u);
  EXPECT_THAT(get(path()), HasSubstr(R"("size_bytes":3145728)"));
  EXPECT_THAT(get("/v1/usage"), HasSubstr(R"("bytes":3145728)"));
  EXPECT_THAT(calls(), Not(Contains(HasSubstr("/exports/"))));
  world.carry_out(Method::del, path());
  EXPECT_THAT(get("/v1/usage"), HasSubstr(R"("bytes":0)"));
}

TEST_F(ModifyTest, GrowsUnderTheVmThatUsesIt) {
  const std::string attachment = attach();
  grow(5);
  EXPECT_EQ(seen_by("vm1"), 5u);
  EXPECT_THAT(calls(), Contains("PUT vs1 /v1/exports/" + attachment + "/size"));
  EXPECT_THAT(calls(), Contains("PUT hv1 /v1/sessions/" + attachment + "/size"));
  EXPECT_THAT(get(path()), HasSubstr(R"("state":"in-use")"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ModifyTest, ShowsItToEveryReaderThatCanBeShownIt) {
  world.vmm.hypervisor.let_readers_grow(true);
  for (const std::string vm : {"vm1", "vm2"}) {
    world.carry_out(Method::post, path() + "/attachments",
                    R"({"read_only":true,"vm":")" + vm + R"("})");
  }
  grow(4);
  EXPECT_EQ(seen_by("vm1"), 4u);
  EXPECT_EQ(seen_by("vm2"), 4u);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ModifyTest, ToShrinkIsRefusedAndNamesTheField) {
  grow(3);
  const auto answer = grow(2);
  EXPECT_EQ(answer.status(), 400u);
  EXPECT_THAT(answer.response->body,
              AllOf(HasSubstr(R"("code":"invalid-field")"), HasSubstr(R"("field":"size_bytes")"),
                    HasSubstr("do not shrink")));
  EXPECT_EQ(stored(), 3u);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ModifyTest, TheSizeItHasSucceedsAndTakesNothing) {
  const std::string attachment = attach();
  EXPECT_EQ(grow(1).status(), 202u);
  EXPECT_THAT(get("/v1/operations?kind=modify-volume"), HasSubstr(R"("state":"succeeded")"));
  EXPECT_THAT(calls(), Contains("PUT hv1 /v1/devices/" + attachment + "/size"));
  expect_unchanged();
}

TEST_F(ModifyTest, BadBodiesNameTheField) {
  const std::pair<std::string, std::string> cases[] = {
      {"{}", "size_bytes"},
      {R"({"size_bytes":"2G"})", "size_bytes"},
      {R"({"size_bytes":0})", "size_bytes"},
      {R"({"size_bytes":-1048576})", "size_bytes"},
      {R"({"size_bytes":1048577})", "size_bytes"},
      {R"({"size_bytes":1152921504606846976})", "size_bytes"},
      {R"({"size_bytes":2097152,"name":"x"})", "name"},
      {R"({"size":2097152})", "size"}};
  for (const auto& [body, field] : cases) {
    const auto answer = world.carry_out(Method::patch, path(), body);
    EXPECT_EQ(answer.status(), 400u) << body;
    EXPECT_THAT(answer.response->body, HasSubstr(field)) << body;
  }
  EXPECT_EQ(world.carry_out(Method::patch, path(), "").status(), 400u);
  EXPECT_EQ(
      world.carry_out(Method::patch, path() + "?force=true", R"({"size_bytes":2097152})").status(),
      400u);
  EXPECT_EQ(world.carry_out(Method::patch, "/v1/volumes/" + Uuid::parse(volume)->str() + "0", "{}")
                .status(),
            400u);
  expect_unchanged();
}

TEST_F(ModifyTest, AVolumeThatIsNotThereIsNotFound) {
  world.carry_out(Method::del, path());
  EXPECT_EQ(grow(2).status(), 404u);
}

TEST_F(ModifyTest, ARepeatWithItsKeyGrowsOnce) {
  const auto first = grow(3, "k");
  const auto second = grow(3, "k");
  EXPECT_EQ(second.status(), 200u);
  EXPECT_EQ(first.member("operation", "id"), second.member("operation", "id"));
  EXPECT_EQ(grow(4, "k").status(), 409u);
  EXPECT_EQ(stored(), 3u);
}

TEST_F(ModifyTest, AnotherOperationOnItIsAConflictThatNamesTheHolder) {
  fail_calls("/size", {ErrorCode::overloaded, "not now", {}, {}, {}});
  const auto first = world.send(Method::patch, path(), R"({"size_bytes":2097152})");
  run_seconds(1);
  for (const auto& [method, where] :
       {std::pair(Method::patch, path()), std::pair(Method::del, path()),
        std::pair(Method::post, path() + "/attachments")}) {
    const std::string body = method == Method::patch  ? R"({"size_bytes":3145728})"
                             : method == Method::post ? R"({"vm":"vm1"})"
                                                      : "";
    const auto second = world.send(method, where, body);
    run_seconds(1);
    EXPECT_EQ(second->status(), 409u);
    EXPECT_THAT(second->response->body, HasSubstr(first->member("operation", "id")));
    EXPECT_THAT(second->response->body, HasSubstr("modify-volume"));
  }
  world.network.set_intercept({});
  ASSERT_TRUE(world.settle());
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ModifyTest, QuotaIsTakenWithTheIntentAndGivenBack) {
  world.kill_front();
  world.settings.default_quota = {0, 0, 4 * kMiBytes};
  world.start_front();
  run_seconds(1);
  const auto refused = grow(5);
  EXPECT_EQ(refused.status(), 403u);
  EXPECT_THAT(refused.response->body, HasSubstr("quota-exceeded"));
  expect_unchanged();

  world.volumes.store.set_fault([](const std::string& call, const auto&) -> Result<void> {
    if (call != "grow") return {};
    return fail(ErrorCode::insufficient_space, "no room");
  });
  const auto failed = grow(4);
  EXPECT_THAT(operation(failed), AllOf(HasSubstr(R"("state":"failed")"), HasSubstr("no room")));
  world.volumes.store.set_fault({});
  expect_unchanged();
  EXPECT_EQ(grow(4).status(), 202u);
  EXPECT_EQ(stored(), 4u);
}

TEST_F(ModifyTest, MoreThanTheServerHasIsRefusedAtOnce) {
  const auto answer = grow(2 << 20);
  EXPECT_EQ(answer.status(), 507u) << answer.response->body;
  expect_unchanged();
}

TEST_F(ModifyTest, ATargetThatCannotShowItRefusesWhatIsAttachedAndTouchesNothing) {
  world.volumes.target.set_grows_live(false);
  run_seconds(10);  // the node is asked how it is
  attach();
  const std::size_t before = calls().size();
  const auto answer = grow(3);
  EXPECT_EQ(answer.status(), 409u);
  EXPECT_THAT(answer.response->body, AllOf(HasSubstr(R"("code":"conflict")"), HasSubstr("vm1"),
                                           HasSubstr("detach first")));
  EXPECT_EQ(calls().size(), before);
  expect_unchanged();
  EXPECT_EQ(grow(1).status(), 202u) << "nothing grows";
}

// The front has not heard yet that the server's target is another one now.
TEST_F(ModifyTest, TheServerItselfRefusesToo) {
  attach();
  world.volumes.target.set_grows_live(false);
  const auto answer = grow(3);
  EXPECT_THAT(operation(answer),
              AllOf(HasSubstr(R"("state":"failed")"), HasSubstr("detach it first")));
  expect_unchanged();
}

TEST_F(ModifyTest, ARefusalAfterALostAnswerTurnsBack) {
  bool lost = false;
  world.network.set_rewrite([&](const auto& call) { return lose_once(call, lost); });
  world.volumes.store.set_fault([](const std::string& call, const auto&) -> Result<void> {
    if (call != "grow") return {};
    return fail(ErrorCode::insufficient_space, "no room");
  });
  const auto answer = grow(2);
  EXPECT_TRUE(lost);
  EXPECT_THAT(operation(answer), HasSubstr(R"("state":"failed")"));
  expect_unchanged();
}

// Another user of the store took the room meanwhile.
TEST_F(ModifyTest, AStoreThatCannotDoWhatItHasAcceptedTurnsBack) {
  int asked = 0;
  world.network.set_intercept([&](const api::DelegateCall& call) -> std::optional<http::Response> {
    if (call.method != Method::put || !call.path.ends_with("/size")) return std::nullopt;
    if (++asked > 2) return http::problem({ErrorCode::insufficient_space, "no room", {}, {}, {}});
    return http::json(202, R"({"id":")" + volume +
                               R"(","size_bytes":1048576,"state":"growing","copied_bytes":1,)"
                               R"("allocated_bytes":0,"snapshot_estimate_ms":0})");
  });
  const auto answer = grow(2);
  EXPECT_EQ(asked, 3);
  EXPECT_THAT(operation(answer), AllOf(HasSubstr(R"("state":"failed")"), HasSubstr("no room")));
  expect_unchanged();
}

// The volume has grown, nobody has heard of it, and then the node does not let the front in.
TEST_F(ModifyTest, ARefusalThatIsNotOfTheStoreProvesNothing) {
  const std::vector<Error> refusals = {{ErrorCode::unauthenticated, "no token", {}, {}, {}},
                                       {ErrorCode::forbidden, "not allowed", {}, {}, {}},
                                       {ErrorCode::invalid_field, "what?", "generation", {}, {}}};
  std::uint64_t mib = 1;
  for (const Error& refusal : refusals) {
    bool lost = false;
    world.network.set_rewrite([&](const auto& call) { return lose_once(call, lost); });
    world.network.set_intercept(
        [&](const api::DelegateCall& call) -> std::optional<http::Response> {
          if (!lost || !call.path.ends_with("/size")) return std::nullopt;
          return http::problem(refusal);
        });
    const auto answer = world.send(Method::patch, path(),
                                   R"({"size_bytes":)" + std::to_string(++mib * kMiBytes) + "}");
    run_seconds(120);
    EXPECT_TRUE(lost);
    world.network.set_intercept({});
    ASSERT_TRUE(world.settle());
    EXPECT_THAT(operation(*answer), HasSubstr(R"("state":"succeeded")"));
    EXPECT_EQ(stored(), mib);
    EXPECT_THAT(world.disagreements(), IsEmpty());
  }
}

// Stores give out whole extents, so a device may be larger than its volume.
TEST_F(ModifyTest, ADeviceMayBeLargerThanItsVolume) {
  attach();
  const auto rounded = [&](const api::DelegateCall& call) -> std::optional<Result<http::Response>> {
    if (call.node != "vs1" || !call.path.starts_with("/v1/exports/")) return std::nullopt;
    const std::string id = call.path.substr(sizeof("/v1/exports/") - 1, 36);
    wire::ExportStatus status;
    status.attachment = *Uuid::parse(id);
    status.volume = *Uuid::parse(volume);
    status.iqn = "iqn.2026-01.vbs:" + id;
    status.portal = "127.0.0.1:3260";
    status.serial = volume;
    status.size_bytes = 4 * kMiBytes;
    json::Writer out;
    status.to_json(out);
    return http::json(200, out.take());
  };
  world.network.set_rewrite(rounded);
  EXPECT_THAT(operation(grow(3)),
              AllOf(HasSubstr(R"("state":"succeeded")"), HasSubstr(R"("notes":[])")));
  EXPECT_EQ(seen_by("vm1"), 3u);
}

TEST_F(ModifyTest, AVmmNodeThatIsAwayDoesNotHoldTheVolume) {
  attach();
  world.network.set_down("hv1", true);
  const auto answer = world.send(Method::patch, path(), R"({"size_bytes":2097152})");
  ASSERT_TRUE(world.time.run_until([&] { return world.at_rest() && answer->response; },
                                   Milliseconds(300'000)));
  EXPECT_EQ(stored(), 2u);
  EXPECT_EQ(seen_by("vm1"), 1u);
  const std::string ended = operation(*answer);
  EXPECT_THAT(ended, AllOf(HasSubstr(R"("state":"succeeded")"),
                           HasSubstr("VM vm1 may still see the old size of /dev/sdb")));
  world.network.set_down("hv1", false);
  run_seconds(60);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(seen_by("vm1"), 2u) << get("/v1/audit");
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ModifyTest, AVmThatRefusesIsPassedOverAndMendedLater) {
  attach();
  world.network.set_intercept([](const api::DelegateCall& call) -> std::optional<http::Response> {
    if (call.node != "hv1" || !call.path.ends_with("/size")) return std::nullopt;
    return http::problem({ErrorCode::conflict, "busy with itself", {}, {}, {}});
  });
  const auto answer = grow(2);
  EXPECT_THAT(operation(answer),
              AllOf(HasSubstr(R"("state":"succeeded")"), HasSubstr("busy with itself")));
  EXPECT_EQ(seen_by("vm1"), 1u);
  run_seconds(15);
  EXPECT_THAT(get("/v1/audit"), HasSubstr("stale-size"));
  world.network.set_intercept({});
  run_seconds(300);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(seen_by("vm1"), 2u);
  EXPECT_THAT(get("/v1/audit"), Not(HasSubstr("stale-size")));
}

TEST_F(ModifyTest, AVmThatIsOffSeesItWhenItIsOn) {
  attach();
  world.vmm.hypervisor.set_state("vm1", "off");
  EXPECT_THAT(operation(grow(3)), HasSubstr(R"("notes":[])"));
  world.vmm.hypervisor.set_state("vm1", "running");
  run_seconds(60);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(seen_by("vm1"), 3u);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ModifyTest, AServerThatIsDownIsSaidAtOnce) {
  world.network.set_down("vs1", true);
  run_seconds(30);
  const auto answer = grow(3);
  EXPECT_EQ(answer.status(), 503u);
  EXPECT_THAT(answer.response->body, HasSubstr("vs1"));
}

TEST_F(ModifyTest, SomebodyElsesGrowthIsReportedAndCanBeTakenOver) {
  ASSERT_TRUE(world.volumes.store.grow_volume(*Uuid::parse(volume), 6 * kMiBytes));
  run_seconds(40);
  EXPECT_THAT(get("/v1/audit"), AllOf(HasSubstr("wrong-size"), HasSubstr("takes it over")));
  EXPECT_THAT(get(path()), HasSubstr(R"("size_bytes":1048576)"));
  EXPECT_EQ(grow(6).status(), 202u);
  run_seconds(15);
  EXPECT_THAT(get("/v1/audit"), Not(HasSubstr("wrong-size")));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ModifyTest, ASnapshotKeepsItsSize) {
  const std::string body = R"({"volume_id":")" + volume + R"("})";
  world.carry_out(Method::post, "/v1/snapshots", body);
  EXPECT_EQ(grow(3).status(), 202u);
  EXPECT_EQ(stored(), 3u);
  EXPECT_THAT(get("/v1/snapshots"), HasSubstr(R"("size_bytes":1048576)"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

}  // namespace
}  // namespace vbs::sim
