// How requests are answered beyond the workflows: waiting, repeats, pages and filters, look-ups of
// VMs, figures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kVolume = R"({"size_bytes":1048576})";

class RequestsTest : public testing::Test {
 protected:
  http::Request create_and_wait(const std::string& seconds) {
    auto request = World::request(Method::post, "/v1/volumes", kVolume);
    request.headers.set("Prefer", "respond-async, wait=" + seconds);
    return request;
  }
  /// Nodes are up, but make nothing.
  void hold_back_changes() {
    world.network.set_intercept([](const api::DelegateCall& call) -> std::optional<http::Response> {
      if (call.method != Method::put) return std::nullopt;
      return http::problem({ErrorCode::overloaded, "not now", {}, {}, {}});
    });
  }
  json::Value get(const std::string& path) {
    auto answer = world.carry_out(Method::get, path);
    EXPECT_EQ(answer.status(), 200u) << answer.response->body;
    return *json::parse(answer.response->body);
  }
  /// The ids (or names) of one page, and where the next one starts.
  std::pair<std::vector<std::string>, std::string> page(const std::string& path,
                                                        const std::string& noun) {
    const json::Value body = get(path);
    std::vector<std::string> ids;
    for (const json::Value& element : *body.find(noun)->as<json::Value::Array>())
      ids.push_back(*element.find("id")->as<std::string>());
    const auto* next = body.find("next")->as<std::string>();
    return {ids, next ? *next : ""};
  }
  std::vector<std::string> ids(const std::string& path, const std::string& noun = "volumes") {
    return page(path, noun).first;
  }
  void restart() {
    world.kill_front();
    world.start_front();
    world.time.run_for(Milliseconds(100));
  }

  World world{5};
};

TEST_F(RequestsTest, WaitingAnswersWithTheEnd) {
  const auto done = world.carry_out(create_and_wait("30"));
  EXPECT_EQ(done.status(), 200u);
  EXPECT_THAT(done.response->body,
              AllOf(HasSubstr(R"("state":"succeeded")"), HasSubstr(R"("state":"available")")));

  hold_back_changes();
  const auto late = world.send(create_and_wait("5"));
  world.time.run_for(Milliseconds(4'500));
  EXPECT_FALSE(late->response);
  world.time.run_for(Milliseconds(1'000));
  EXPECT_EQ(late->status(), 202u);

  const auto failed = world.send(create_and_wait("600"));  // no longer than 60 s
  world.time.run_for(Milliseconds(59'000));
  EXPECT_FALSE(failed->response);
  world.time.run_for(Milliseconds(2'000));
  EXPECT_TRUE(failed->response);
  world.network.set_intercept({});
  for (const std::string wrong : {"x", "-1", ""})
    EXPECT_EQ(world.carry_out(create_and_wait(wrong)).status(), 400u) << wrong;
}

TEST_F(RequestsTest, ReadingAnOperationWaitsForItsEnd) {
  hold_back_changes();
  const auto begun = world.send(Method::post, "/v1/volumes", kVolume);
  world.time.run_for(Milliseconds(100));
  auto request = World::request(Method::get, "/v1/operations/" + begun->member("operation", "id"));
  request.headers.set("Prefer", "wait=2");
  const auto late = world.send(request);
  world.time.run_for(Milliseconds(1'900));
  EXPECT_FALSE(late->response);
  world.time.run_for(Milliseconds(200));
  EXPECT_THAT(late->response->body, HasSubstr(R"("state":"running")"));

  request.headers.set("Prefer", "wait=60");
  const auto ended = world.send(request);
  world.network.set_intercept({});
  world.settle();
  world.time.run_for(Milliseconds(100));
  EXPECT_EQ(ended->status(), 200u);
  EXPECT_THAT(ended->response->body, HasSubstr(R"("state":"succeeded")"));
  EXPECT_EQ(world.carry_out(request).status(), 200u) << "which has ended long ago";

  request.path = "/v1/operations/" + Uuid::generate(world.clock, world.random).str();
  const auto unknown = world.send(request);
  world.time.run_for(Milliseconds(100));
  EXPECT_EQ(unknown->status(), 404u) << "at once";
  request.headers.set("Prefer", "wait=soon");
  EXPECT_EQ(world.carry_out(request).status(), 400u);
}

TEST_F(RequestsTest, WhoWaitsLeavesRoomForOthers) {
  world.settings.server.max_requests = 4;
  restart();
  hold_back_changes();
  std::vector<std::shared_ptr<World::Answer>> answers;
  for (int i = 0; i < 4; ++i) answers.push_back(world.send(create_and_wait("30")));
  world.time.run_for(Milliseconds(1'000));
  std::vector<unsigned> statuses;
  for (const auto& answer : answers) statuses.push_back(answer->status());
  EXPECT_THAT(statuses, ElementsAre(0, 0, 202, 202));
  world.network.set_intercept({});
  world.settle();
  world.time.run_for(Milliseconds(1'000));
  EXPECT_EQ(answers[0]->status(), 200u);
  EXPECT_EQ(world.carry_out(create_and_wait("30")).status(), 200u);
}

TEST_F(RequestsTest, CancellingTwiceUnderOneKeyIsCancellingOnce) {
  world.network.set_down("vs1", true);
  const auto begun = world.send(Method::post, "/v1/volumes", kVolume);
  world.time.run_for(Milliseconds(100));
  const std::string id = begun->member("operation", "id");
  const std::string path = "/v1/operations/" + id + "/cancel";
  const auto first = world.send(Method::post, path, "", "key");
  world.time.run_for(Milliseconds(100));
  EXPECT_EQ(first->status(), 202u);
  world.network.set_down("vs1", false);
  world.settle();
  EXPECT_EQ(world.carry_out(Method::post, path).status(), 409u);  // it has ended
  const auto again = world.carry_out(Method::post, path, "", "key");
  EXPECT_EQ(again.status(), 200u);
  EXPECT_EQ(again.member("operation", "id"), id);
  EXPECT_EQ(again.member("operation", "state"), "cancelled");
  EXPECT_THAT(world.carry_out(Method::get, "/v1/operations/" + id).response->body,
              HasSubstr(R"("what":"cancel-requested","node":null,"message":"by anonymous")"));
  EXPECT_EQ(world.carry_out(Method::post, "/v1/volumes", kVolume, "key").status(), 409u);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(RequestsTest, PagesHoldEverythingOnce) {
  std::vector<std::string> all;
  for (int i = 0; i < 7; ++i) all.push_back(world.create_volume());
  for (const std::string& query :
       {std::string("limit=3"), "limit=3&id_prefix=" + all[0].substr(0, 4),
        "limit=3&id_prefix=" + all[0].substr(0, 8), std::string("limit=3&state=available"),
        std::string("limit=3&node=vs1"), std::string("limit=3&all_projects=true")}) {
    std::vector<std::string> seen;
    std::string marker;
    int pages = 0;
    do {
      auto [ids, next] =
          page("/v1/volumes?" + query + (marker.empty() ? "" : "&marker=" + marker), "volumes");
      seen.insert(seen.end(), ids.begin(), ids.end());
      marker = next;
    } while (!marker.empty() && ++pages < 10);
    EXPECT_EQ(seen, all) << query;
  }
  EXPECT_EQ(page("/v1/operations?limit=5", "operations").first.size(), 5u);
}

TEST_F(RequestsTest, FiltersFindWhatTheyShould) {
  const std::string gold =
      world
          .carry_out(Method::post, "/v1/volumes",
                     R"({"size_bytes":1048576,"name":"db","tags":{"tier":"gold"}})")
          .member("volume", "id");
  const std::string plain = world.create_volume();
  const std::string attachment = world.attach(plain);
  for (const std::string query :
       {"name=db", "tag=tier=gold", "state=available", "tag=tier=gold&state=available&node=vs1"})
    EXPECT_THAT(ids("/v1/volumes?" + query), ElementsAre(gold)) << query;
  for (const std::string& query :
       {std::string("vm=vm1"), std::string("state=in-use"), "id=" + plain})
    EXPECT_THAT(ids("/v1/volumes?" + query), ElementsAre(plain)) << query;
  for (const std::string query : {"vm=vm2", "node=vs2", "tag=tier=tin", "state=error", "name=x"})
    EXPECT_THAT(ids("/v1/volumes?" + query), IsEmpty()) << query;
  EXPECT_EQ(ids("/v1/operations?kind=attach-volume", "operations").size(), 1u);
  EXPECT_EQ(ids("/v1/operations?resource=" + attachment, "operations").size(), 1u);
  EXPECT_EQ(ids("/v1/operations?resource=" + plain, "operations").size(), 2u);
  EXPECT_THAT(ids("/v1/operations?live=true", "operations"), IsEmpty());
  EXPECT_THAT(ids("/v1/operations?state=failed&kind=attach-volume", "operations"), IsEmpty());
  EXPECT_EQ(ids("/v1/operations?state=succeeded", "operations").size(), 3u);

  // Being deleted, it is shown in another state than the one it rests in.
  world.network.set_down("vs1", true);
  world.send(Method::del, "/v1/volumes/" + gold);
  world.time.run_for(Milliseconds(100));
  const auto listed = world.send(Method::get, "/v1/volumes?state=available");
  world.time.run_for(Milliseconds(100));
  EXPECT_EQ(listed->response->body, R"({"volumes":[],"next":null})");
  world.network.set_down("vs1", false);
}

TEST_F(RequestsTest, WhatARequestDoesNotTakeIsRefused) {
  const std::string volume = "/v1/volumes/" + world.create_volume();
  const std::string attachments = volume + "/attachments";
  // What was meant to be forced is not done without.
  EXPECT_EQ(world.carry_out(Method::del, volume + "?force=true").status(), 400u);
  EXPECT_EQ(world.carry_out(Method::get, volume + "?colour=red").status(), 400u);
  EXPECT_EQ(world.carry_out(Method::post, "/v1/volumes?dry_run=true", kVolume).status(), 400u);
  EXPECT_EQ(world.carry_out(Method::get, volume).status(), 200u);
  EXPECT_EQ(world.carry_out(Method::get, "/healthz?from=balancer").status(), 200u);
  for (const std::string& path :
       {std::string("/v1/nodes"), std::string("/v1/vms"), std::string("/v1/audit"),
        std::string("/v1/images"), attachments}) {
    for (const std::string parameter : {"limit", "marker", "project", "all_projects"}) {
      const auto refused = world.carry_out(Method::get, path + "?" + parameter + "=1");
      EXPECT_EQ(refused.status(), 400u) << path << " " << parameter;
      EXPECT_THAT(refused.response->body, HasSubstr(R"("field":")" + parameter));
    }
    EXPECT_EQ(world.carry_out(Method::get, path).status(), 200u);
  }
  EXPECT_EQ(world.carry_out(Method::get, "/v1/usage?limit=1").status(), 400u);
  EXPECT_EQ(world.carry_out(Method::get, "/v1/usage?project=web").status(), 200u);
  for (const std::string path : {"/v1/usage", "/v1/volumes", "/v1/operations"}) {
    const auto refused = world.carry_out(Method::get, path + "?project=..");
    EXPECT_EQ(refused.status(), 400u) << path << ": no project has that name";
    EXPECT_THAT(refused.response->body, HasSubstr(R"("field":"project")"));
  }
}

TEST_F(RequestsTest, AVmOnTwoNodesMustBeNamedWithItsNode) {
  VmmNode second("hv2", world.around, InitiatorKind::of_vms);
  second.hypervisor.remove_vm("vm2");
  world.network.add_node("hv2", [&](http::Request r) { return second.serve(std::move(r)); });
  world.settings.nodes.push_back({"hv2", api::NodeRole::vmm, {"127.0.0.1", 3}});
  restart();
  const std::string path = "/v1/volumes/" + world.create_volume() + "/attachments";
  const auto refused = world.carry_out(Method::post, path, R"({"vm":"vm1"})");
  EXPECT_EQ(refused.status(), 400u);
  EXPECT_THAT(refused.response->body,
              AllOf(HasSubstr(R"("field":"node")"), HasSubstr("hv1"), HasSubstr("hv2")));
  EXPECT_EQ(world.carry_out(Method::post, path, R"({"vm":"vm1","node":"hv9"})").status(), 404u);
  const auto made = world.carry_out(Method::post, path, R"({"vm":"vm1","node":"hv2"})");
  EXPECT_EQ(made.member("attachment", "node"), "hv2") << made.response->body;
  EXPECT_EQ(second.hypervisor.look("vm1")->devices.size(), 1u);

  // They are two VMs.
  const std::string shared = "/v1/volumes/" + world.create_volume() + "/attachments";
  for (const std::string node : {"hv1", "hv2"}) {
    const std::string reader = R"({"vm":"vm1","read_only":true,"node":")" + node + "\"}";
    EXPECT_EQ(world.carry_out(Method::post, shared, reader).status(), 202u) << node;
    EXPECT_EQ(world.carry_out(Method::post, shared, reader).status(), 409u) << node;
  }

  // The node that is away may be the one that was meant.
  world.network.set_down("hv1", true);
  const std::string other = "/v1/volumes/" + world.create_volume() + "/attachments";
  const auto doubtful = world.carry_out(Method::post, other, R"({"vm":"vm1"})");
  EXPECT_EQ(doubtful.status(), 503u);
  EXPECT_THAT(doubtful.response->body,
              AllOf(HasSubstr(R"("node":"hv1")"), HasSubstr("is on hv2, but VMM node hv1")));
  EXPECT_EQ(world.carry_out(Method::post, other, R"({"vm":"vm1","node":"hv2"})").status(), 202u);
  world.kill_front();
}

TEST_F(RequestsTest, ANodeIsNotAskedForVmsWithoutEnd) {
  world.settings.engine.calls_per_node = 2;
  restart();
  const std::string path = "/v1/volumes/" + world.create_volume() + "/attachments";
  std::vector<std::shared_ptr<World::Answer>> answers;
  for (int i = 0; i < 6; ++i) {
    answers.push_back(world.send(Method::post, path, R"({"vm":"nobody"})"));
    answers.push_back(world.send(Method::get, "/v1/vms"));
  }
  world.time.run_for(Milliseconds(1'000));
  std::map<unsigned, int> count;
  for (const auto& answer : answers) {
    ++count[answer->status()];
    if (answer->status() == 503) {
      EXPECT_THAT(answer->response->body, HasSubstr(R"("code":"overloaded")"));
    }
  }
  EXPECT_EQ(count[503], 10);
  EXPECT_EQ(count[404] + count[200], 2);
  EXPECT_EQ(world.carry_out(Method::get, "/v1/vms").status(), 200u);
}

TEST_F(RequestsTest, WhoOnlyLooksKeepsNobodyFromAttaching) {
  world.settings.engine.calls_per_node = 4;
  restart();
  const std::string path = "/v1/volumes/" + world.create_volume() + "/attachments";
  std::vector<std::shared_ptr<World::Answer>> lists;
  for (int i = 0; i < 6; ++i) lists.push_back(world.send(Method::get, "/v1/vms"));
  EXPECT_EQ(world.carry_out(Method::post, path, R"({"vm":"vm1"})").status(), 202u);
  EXPECT_EQ(std::count_if(lists.begin(), lists.end(), [](auto& a) { return a->status() == 200; }),
            2);
}

TEST_F(RequestsTest, AVolumeWhoseSnapshotsNeedItStays) {
  const std::string id = world.create_volume();
  const std::string snapshot =
      world.carry_out(Method::post, "/v1/snapshots", R"({"volume_id":")" + id + R"("})")
          .member("snapshot", "id");
  // As long as the server has not said, nothing is assumed.
  world.network.set_down("vs1", true);
  restart();
  const auto unknown = world.carry_out(Method::del, "/v1/volumes/" + id);
  EXPECT_EQ(unknown.status(), 503u);
  EXPECT_THAT(unknown.response->body, HasSubstr(R"("node":"vs1")"));
  world.network.set_down("vs1", false);
  world.network.set_intercept([](const api::DelegateCall& call) -> std::optional<http::Response> {
    if (call.path != "/v1/node" || call.node != "vs1") return std::nullopt;
    wire::NodeStatus status;
    status.name = "vs1";
    status.role = "volume-server";
    status.capacity_bytes = 1ULL << 40;
    status.snapshots_need_volume = true;
    json::Writer out;
    status.to_json(out);
    return http::json(200, out.take());
  });
  world.time.run_for(Milliseconds(5'000));
  const auto refused = world.carry_out(Method::del, "/v1/volumes/" + id);
  EXPECT_EQ(refused.status(), 409u);
  EXPECT_THAT(refused.response->body, HasSubstr("snapshots that need it"));
  EXPECT_EQ(world.carry_out(Method::del, "/v1/snapshots/" + snapshot).status(), 202u);
  EXPECT_EQ(world.carry_out(Method::del, "/v1/volumes/" + id).status(), 202u);
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(RequestsTest, FiguresFollowWhatHappens) {
  world.create_volume();
  const std::string failed = world.create_volume();
  world.vmm.hypervisor.mount("vm1", failed, "/data");
  const std::string attachment = world.attach(failed);
  world.carry_out(Method::del, "/v1/volumes/" + failed + "/attachments/" + attachment);
  world.network.set_down("hv1", true);
  world.time.run_for(Milliseconds(15'000));
  const auto answer = world.carry_out(Method::get, "/metrics");
  EXPECT_EQ(answer.response->content_type, "text/plain; version=0.0.4");
  const std::string& text = answer.response->body;
  for (const std::string line :
       {"vbs_operations_total{state=\"succeeded\"} 3", "vbs_operations_total{state=\"failed\"} 1",
        "vbs_operations_total{state=\"cancelled\"} 0", "vbs_operations_live 0",
        "vbs_node_up{node=\"vs1\",role=\"volume-server\"} 1",
        "vbs_node_up{node=\"hv1\",role=\"vmm\"} 0", "vbs_audit_findings 1"})
    EXPECT_THAT("\n" + text, HasSubstr("\n" + line + "\n"));
  EXPECT_THAT(text, Not(HasSubstr("vbs_database_bytes 0\n")));
}

}  // namespace
}  // namespace vbs::sim
