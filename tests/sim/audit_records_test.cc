// The audit trail: every change leaves one record that says who and what, and nothing else leaves
// one. Whatever dies when, the invariants hold trail and operations against each other.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/front.h"
#include "common/secret.h"
#include "tests/sim/scenarios.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Milliseconds kSweeps{60'000};
const std::string kNewVolume = R"({"size_bytes":1048576})";

/// A member as text; "null" where it is that.
std::string text(const json::Value& record, std::string_view name) {
  const json::Value* value = record.find(name);
  if (!value) return "absent";
  if (value->is_null()) return "null";
  if (const auto* flag = value->as<bool>()) return *flag ? "true" : "false";
  if (const auto* number = value->as<std::int64_t>()) return std::to_string(*number);
  return *value->as<std::string>();
}

/// "who role project action" of each.
std::vector<std::string> lines(const std::vector<json::Value>& records) {
  std::vector<std::string> lines;
  for (const json::Value& record : records) {
    std::string line;
    for (const char* name : {"principal", "role", "project", "action"})
      line += (line.empty() ? "" : " ") + text(record, name);
    lines.push_back(line);
  }
  return lines;
}

std::vector<json::Value> trail(World& world, const std::string& marker, const std::string& token) {
  const auto answer = world.carry_out(
      World::request(Method::get, "/v1/audit-records?limit=1000&marker=" + marker, "", token));
  EXPECT_EQ(answer.status(), 200u) << answer.response->body;
  return *json::parse(answer.response->body)->find("audit_records")->as<json::Value::Array>();
}

class AuditOfWorkflowTest : public testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override {
    request_ = GetParam().prepare(world_);
    world_.settle();
    const auto so_far = trail(world_, "0", "");
    if (!so_far.empty()) before_ = text(so_far.back(), "sequence");
  }
  std::vector<json::Value> since() { return trail(world_, before_, ""); }
  /// Begins the workflow, and gets the world to where it is live.
  void begin() {
    if (!request_.path.empty()) {
      answer_ = world_.send(request_.method, request_.path, request_.body, "key");
      ASSERT_TRUE(world_.time.run_until([&] { return answer_->response.has_value(); }, kSweeps));
      return;
    }
    ASSERT_TRUE(world_.time.run_until([&] { return !world_.at_rest(); }, kSweeps));
  }

  /// As the service counts them.
  std::string ended_operations() {
    const std::string all = world_.carry_out(Method::get, "/metrics").response->body;
    return all.substr(0, all.find("# TYPE vbs_operations_live"));
  }

  World world_{7};
  Request request_;
  std::string before_ = "0";
  std::shared_ptr<World::Answer> answer_;
};

TEST_P(AuditOfWorkflowTest, OneRecordHoweverOftenItIsAskedFor) {
  const bool by_itself = request_.path.empty();
  begin();
  const std::string operation =
      by_itself ? world_.live_operation() : answer_->member("operation", "id");

  ASSERT_TRUE(world_.settle());
  if (!by_itself) {
    for (int again = 0; again < 2; ++again)
      world_.carry_out(request_.method, request_.path, request_.body, "key");
    // Another request under the same key is refused.
    EXPECT_EQ(world_.carry_out(Method::post, "/v1/volumes", kNewVolume, "key").status(), 409u);
  }
  world_.time.run_for(kSweeps);
  const auto records = since();
  const std::string who = by_itself ? "reconciler service null " : "anonymous admin default ";
  ASSERT_THAT(lines(records), ElementsAre(who + GetParam().kind));
  EXPECT_EQ(text(records[0], "operation_id"), operation);
  const json::Value operation_shown =
      *json::parse(world_.carry_out(Method::get, "/v1/operations/" + operation).response->body);
  for (const char* name : {"volume_id", "snapshot_id", "attachment_id"})
    EXPECT_EQ(text(records[0], name), text(operation_shown, name));
  EXPECT_EQ(text(records[0], "at"), text(operation_shown, "created_at"));
  const bool about_a_vm = text(records[0], "attachment_id") != "null";
  EXPECT_EQ(text(records[0], "vm"), about_a_vm ? "vm1" : "null");
  EXPECT_EQ(text(records[0], "node"), about_a_vm ? "hv1" : "null");
  EXPECT_THAT(world_.disagreements(), IsEmpty());
}

TEST_P(AuditOfWorkflowTest, CancellingLeavesOneMore) {
  begin();
  const std::string operation = world_.live_operation();
  ASSERT_FALSE(operation.empty());
  const std::string path = "/v1/operations/" + operation + "/cancel";
  const auto first = world_.send(Method::post, path, "", "cancel");
  const auto second = world_.send(Method::post, path, "", "cancel");
  ASSERT_TRUE(world_.time.run_until([&] { return second->response.has_value(); }, kSweeps));
  ASSERT_TRUE(world_.settle());
  const std::string counted = ended_operations();
  world_.carry_out(Method::post, path, "", "cancel");
  EXPECT_EQ(ended_operations(), counted);
  auto records = since();
  if (first->status() == 409) {
    EXPECT_TRUE(GetParam().has_no_return()) << "why could it not be cancelled?";
    EXPECT_EQ(records.size(), 1u);
    return;
  }
  EXPECT_EQ(first->status(), 202u) << first->response->body;
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(lines(records)[1], "anonymous admin default cancel-operation");
  EXPECT_EQ(text(records[1], "operation_id"), operation);
  for (const char* name : {"volume_id", "snapshot_id", "attachment_id", "vm", "node"})
    EXPECT_EQ(text(records[1], name), text(records[0], name)) << name;
  // What was not repaired is repaired by the next sweeps, which is another operation.
  world_.time.run_for(kSweeps);
  ASSERT_TRUE(world_.settle());
  EXPECT_EQ(since().size(), request_.path.empty() ? 3u : 2u);
  EXPECT_THAT(world_.disagreements(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, AuditOfWorkflowTest, testing::ValuesIn(scenarios()),
                         [](const auto& param) { return param.param.name; });

class AuditRecordsTest : public testing::Test {
 protected:
  std::vector<json::Value> records(const std::string& marker = "0") {
    return trail(world, marker, world.tokens.empty() ? "" : "ada-token");
  }
  void with_tokens() {
    world.kill_front();
    world.tokens = "ada admin ops " + sha256_hex("ada-token") + "\nmax member web " +
                   sha256_hex("max-token") + "\n";
    world.start_front();
    world.time.run_for(Milliseconds(100));
  }
  World::Answer ask(Method method, const std::string& path, const std::string& body,
                    const std::string& token, const std::string& id) {
    auto request = World::request(method, path, body, token);
    request.id = id;
    return world.carry_out(std::move(request));
  }

  World world{5};
};

TEST_F(AuditRecordsTest, SayWhoAsked) {
  with_tokens();
  const std::string volume =
      ask(Method::post, "/v1/volumes", kNewVolume, "max-token", "r-1").member("volume", "id");
  // An administrator acts in another project.
  ask(Method::post, "/v1/snapshots", R"({"volume_id":")" + volume + R"("})", "ada-token", "");
  const auto found = records();
  EXPECT_THAT(lines(found),
              ElementsAre("max member web create-volume", "ada admin ops create-snapshot"));
  EXPECT_EQ(text(found.at(0), "request_id"), "r-1");
  EXPECT_EQ(text(found.at(1), "request_id"), "null");
  EXPECT_EQ(text(found.at(1), "volume_id"), volume);
}

TEST_F(AuditRecordsTest, CancellingWhatIsCancelledAlreadyLeavesNone) {
  // The order is lost, and as long as its answer is waited for nothing is undone.
  world.network.set_fate([](const api::DelegateCall& call) {
    return fakes::Fate{.request_lost = call.method == Method::put};
  });
  const auto begun = world.send(Method::post, "/v1/volumes", kNewVolume);
  world.time.run_for(Milliseconds(100));
  const std::string path = "/v1/operations/" + begun->member("operation", "id") + "/cancel";
  for (const std::string key : {"one", "another", ""}) {
    const auto cancelled = world.send(Method::post, path, "", key);
    world.time.run_for(Milliseconds(100));
    EXPECT_EQ(cancelled->status(), 202u) << "it is still running";
  }
  EXPECT_THAT(lines(records()), ElementsAre("anonymous admin default create-volume",
                                            "anonymous admin default cancel-operation"));
}

TEST_F(AuditRecordsTest, TellForcedDetachesApart) {
  const std::string volume = world.create_volume();
  for (const std::string query : {"?force=false", "?force=true"}) {
    const std::string path = "/v1/volumes/" + volume + "/attachments/" + world.attach(volume);
    EXPECT_EQ(world.carry_out(Method::del, path + query).status(), 202u);
  }
  std::vector<std::string> forced;
  for (const json::Value& record : records())
    forced.push_back(text(record, "action") + " " + text(record, "force"));
  EXPECT_THAT(forced,
              ElementsAre("create-volume false", "attach-volume false", "detach-volume false",
                          "attach-volume false", "detach-volume true"));
}

TEST_F(AuditRecordsTest, WhatIsRefusedLeavesNone) {
  const std::string volume = world.create_volume();
  const std::string attachment = world.attach(volume);
  const std::string guessed = "0190b1a2-0000-7000-8000-000000000000";
  const std::string ended =
      world.carry_out(Method::post, "/v1/volumes", kNewVolume).member("operation", "id");
  const std::size_t before = records().size();
  const std::vector<Request> refused = {
      {Method::post, "/v1/volumes", R"({"size_bytes":7})"},
      {Method::post, "/v1/volumes", R"({"size_bytes":1152921504606846976})"},
      {Method::patch, "/v1/volumes/" + volume, R"({"size_bytes":0})"},
      {Method::del, "/v1/volumes/" + volume, ""},
      {Method::del, "/v1/volumes/" + guessed, ""},
      {Method::post, "/v1/volumes/" + volume + "/attachments", R"({"vm":"vm2"})"},
      {Method::post, "/v1/volumes/" + guessed + "/attachments", R"({"vm":"vm2"})"},
      {Method::del, "/v1/volumes/" + volume + "/attachments/" + guessed, ""},
      {Method::post, "/v1/snapshots", R"({"volume_id":")" + guessed + R"("})"},
      {Method::del, "/v1/snapshots/" + guessed, ""},
      {Method::post, "/v1/operations/" + guessed + "/cancel", ""},
      {Method::post, "/v1/operations/" + ended + "/cancel", ""}};
  for (const Request& request : refused) {
    const auto answer = world.carry_out(request.method, request.path, request.body, "key");
    EXPECT_GE(answer.status(), 400u) << request.path;
  }
  EXPECT_EQ(records().size(), before);
}

TEST_F(AuditRecordsTest, ASnapshotThatIsLostLeavesOne) {
  const std::string volume = world.create_volume();
  const std::string snapshot =
      world.carry_out(Method::post, "/v1/snapshots", R"({"volume_id":")" + volume + R"("})")
          .member("snapshot", "id");
  world.volumes.store.spoil(*Uuid::parse(snapshot));
  world.time.run_for(2 * kSweeps);
  const auto found = records("2");
  ASSERT_THAT(lines(found), ElementsAre("reconciler service null record-loss"));
  EXPECT_EQ(text(found[0], "snapshot_id"), snapshot);
  EXPECT_EQ(text(found[0], "volume_id"), volume);
  EXPECT_EQ(text(found[0], "operation_id"), "null");
}

TEST_F(AuditRecordsTest, OutliveTheirOperations) {
  world.kill_front();
  world.settings.operations_kept = world.settings.idempotency_kept = kSweeps;
  world.start_front();
  world.time.run_for(Milliseconds(100));
  world.carry_out(Method::del, "/v1/volumes/" + world.create_volume());
  world.time.run_for(5 * kSweeps);
  EXPECT_EQ(world.rows("operations"), 0);
  EXPECT_EQ(world.rows("volumes"), 0);
  EXPECT_EQ(records().size(), 2u);
}

TEST_F(AuditRecordsTest, ComeInPagesTheOldestFirst) {
  for (int i = 0; i < 5; ++i) world.create_volume();
  const auto page = [&](const std::string& query) {
    const auto answer = world.carry_out(Method::get, "/v1/audit-records" + query);
    EXPECT_EQ(answer.status(), 200u) << answer.response->body;
    const json::Value body = *json::parse(answer.response->body);
    std::string numbers;
    for (const json::Value& record : *body.find("audit_records")->as<json::Value::Array>())
      numbers += text(record, "sequence") + " ";
    return numbers + "next " + text(body, "next");
  };
  EXPECT_EQ(page(""), "1 2 3 4 5 next null");
  EXPECT_EQ(page("?limit=2"), "1 2 next 2");
  EXPECT_EQ(page("?limit=2&marker=2"), "3 4 next 4");
  EXPECT_EQ(page("?limit=2&marker=4"), "5 next null");
  EXPECT_EQ(page("?limit=5"), "1 2 3 4 5 next null");
  EXPECT_EQ(page("?marker=5"), "next null");
  world.create_volume();
  EXPECT_EQ(page("?marker=5"), "6 next null") << "who has read all goes on where it was";
  EXPECT_EQ(page("?marker=9223372036854775807"), "next null");
  for (const std::string wrong : {"marker=", "marker=-1", "marker=x", "marker=1x", "marker=%201",
                                  "marker=9223372036854775808", "marker=1&marker=2", "limit=0",
                                  "limit=1001", "limit=", "project=web", "id=1"}) {
    EXPECT_EQ(world.carry_out(Method::get, "/v1/audit-records?" + wrong).status(), 400u) << wrong;
  }
}

/// A route that changes something and is not among these has to be thought about here.
TEST_F(AuditRecordsTest, KnowEveryRouteThatChangesSomething) {
  std::vector<std::string> changing;
  for (const api::RouteRule& rule : api::route_rules()) {
    if (rule.method != Method::get)
      changing.push_back(std::string(http::to_string(rule.method)) + " " + rule.pattern);
  }
  EXPECT_THAT(changing,
              testing::UnorderedElementsAre(
                  "POST /v1/volumes", "PATCH /v1/volumes/{id}", "DELETE /v1/volumes/{id}",
                  "POST /v1/volumes/{id}/attachments",
                  "DELETE /v1/volumes/{id}/attachments/{attachment_id}", "POST /v1/snapshots",
                  "DELETE /v1/snapshots/{id}", "POST /v1/operations/{id}/cancel"));
}

}  // namespace
}  // namespace vbs::sim
