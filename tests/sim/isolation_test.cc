// Who may do what: every route, for every role, on what is its own, another project's, deleted, and
// guessed. The routes come from the service, so that a new one without a row here fails.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/secret.h"
#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using api::Role;
using http::Method;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kGuessed = "0190b1a2-0000-7000-8000-000000000000";
constexpr const char* kImage = "0190b1a2-0000-7000-8000-000000000001";

std::string token_of(const std::string& who) {
  return who + "-has-a-token-of-its-own";
}

std::string token_line(const std::string& who, const std::string& role,
                       const std::string& project) {
  return who + " " + role + " " + project + " " + sha256_hex(token_of(who)) + "\n";
}

/// What one project holds.
struct Belongings {
  std::string volume, snapshot, attached_volume, attachment, operation;
};

/// The path and body of a request about somebody's things.
struct Row {
  Method method;
  std::string pattern;
  std::function<std::string(const Belongings&)> path;
  std::function<std::string(const Belongings&)> body = [](const Belongings&) { return ""; };
};

std::function<std::string(const Belongings&)> fixed(std::string text) {
  return [text](const Belongings&) { return text; };
}

std::function<std::string(const Belongings&)> with(std::string before, std::string Belongings::*id,
                                                   std::string after = "") {
  return [=](const Belongings& b) { return before + b.*id + after; };
}

std::string attachment_path(const Belongings& b) {
  return "/v1/volumes/" + b.attached_volume + "/attachments/" + b.attachment;
}

/// Routes that name something of a project, in the path or in the body.
const std::vector<Row>& rows_about_things() {
  using B = Belongings;
  static const std::vector<Row> rows = {
      {Method::post, "/v1/volumes", fixed("/v1/volumes"),
       with(R"({"source":{"type":"volume","id":")", &B::volume, R"("}})")},
      {Method::post, "/v1/volumes", fixed("/v1/volumes"),
       with(R"({"source":{"type":"snapshot","id":")", &B::snapshot, R"("}})")},
      {Method::get, "/v1/volumes/{id}", with("/v1/volumes/", &B::volume)},
      {Method::del, "/v1/volumes/{id}", with("/v1/volumes/", &B::volume)},
      {Method::patch, "/v1/volumes/{id}", with("/v1/volumes/", &B::volume),
       fixed(R"({"size_bytes":2097152})")},
      {Method::post, "/v1/volumes/{id}/attachments",
       with("/v1/volumes/", &B::volume, "/attachments"), fixed(R"({"vm":"vm2"})")},
      {Method::get, "/v1/volumes/{id}/attachments",
       with("/v1/volumes/", &B::volume, "/attachments")},
      {Method::get, "/v1/volumes/{id}/attachments/{attachment_id}", attachment_path},
      {Method::del, "/v1/volumes/{id}/attachments/{attachment_id}", attachment_path},
      {Method::post, "/v1/snapshots", fixed("/v1/snapshots"),
       with(R"({"volume_id":")", &B::volume, R"("})")},
      {Method::get, "/v1/snapshots/{id}", with("/v1/snapshots/", &B::snapshot)},
      {Method::del, "/v1/snapshots/{id}", with("/v1/snapshots/", &B::snapshot)},
      {Method::get, "/v1/operations/{id}", with("/v1/operations/", &B::operation)},
      {Method::post, "/v1/operations/{id}/cancel",
       with("/v1/operations/", &B::operation, "/cancel")},
  };
  return rows;
}

/// Lists, and what is about the service: what must not stand in their answers is another project's.
const std::vector<std::string>& paths_without_things() {
  static const std::vector<std::string> paths = {
      "/v1/volumes",     "/v1/snapshots",     "/v1/operations", "/v1/images",
      "/v1/images/{id}", "/v1/nodes",         "/v1/vms",        "/v1/usage",
      "/v1/audit",       "/v1/audit-records", "/v1/version",    "/healthz",
      "/healthz/live",   "/healthz/ready",    "/metrics",       "/openapi.json"};
  return paths;
}

/// The image that is offered to everybody, in place of the pattern's id.
std::string asked(const std::string& pattern) {
  return pattern.substr(0, pattern.find('{')) + (pattern.ends_with('}') ? kImage : "");
}

struct Caller {
  std::string name;
  Role role;
};

const std::vector<Caller> kCallers = {
    {"rita", Role::reader}, {"max", Role::member}, {"ada", Role::admin}};

class IsolationTest : public testing::Test {
 protected:
  IsolationTest() {
    world.kill_front();
    world.volumes.store.offer({*Uuid::parse(kImage), "base", 1 << 20});
    world.tokens = token_line("rita", "reader", "web") + token_line("max", "member", "web") +
                   token_line("ada", "admin", "ops") + token_line("eve", "member", "mail");
    world.start_front();
    world.time.run_for(Milliseconds(100));
  }

  World::Answer ask(const std::string& who, Method method, const std::string& path,
                    const std::string& body = "", const std::string& key = "") {
    auto request = World::request(method, path, body, who.empty() ? "" : token_of(who));
    if (!key.empty()) request.headers.set("Idempotency-Key", key);
    return world.carry_out(std::move(request));
  }
  World::Answer made(const std::string& who, const std::string& path, const std::string& body) {
    auto answer = ask(who, Method::post, path, body);
    EXPECT_EQ(answer.status(), 202u) << answer.response->body;
    return answer;
  }
  Belongings belongings_of(const std::string& who) {
    Belongings b;
    const auto volume = made(who, "/v1/volumes", R"({"size_bytes":1048576})");
    b.volume = volume.member("volume", "id");
    b.operation = volume.member("operation", "id");
    b.snapshot = made(who, "/v1/snapshots", R"({"volume_id":")" + b.volume + R"("})")
                     .member("snapshot", "id");
    b.attached_volume =
        made(who, "/v1/volumes", R"({"size_bytes":1048576})").member("volume", "id");
    b.attachment = made(who, "/v1/volumes/" + b.attached_volume + "/attachments", R"({"vm":"vm1"})")
                       .member("attachment", "id");
    return b;
  }
  /// The same caller's, gone by now.
  Belongings deleted_of(const std::string& who) {
    Belongings b = belongings_of(who);
    EXPECT_EQ(ask(who, Method::del, attachment_path(b)).status(), 202u);
    EXPECT_EQ(ask(who, Method::del, "/v1/snapshots/" + b.snapshot).status(), 202u);
    for (const std::string& volume : {b.volume, b.attached_volume})
      EXPECT_EQ(ask(who, Method::del, "/v1/volumes/" + volume).status(), 202u);
    b.operation = kGuessed;  // operations outlive what they were about
    return b;
  }

  World world{9};
};

Belongings guessed() {
  return {kGuessed, kGuessed, kGuessed, kGuessed, kGuessed};
}

/// The answer without the ids that were asked for.
std::string without_ids(std::string text, const Belongings& b) {
  for (const std::string& id :
       {b.volume, b.snapshot, b.attached_volume, b.attachment, b.operation}) {
    for (auto at = text.find(id); at != std::string::npos; at = text.find(id))
      text.replace(at, id.size(), "ID");
  }
  return text;
}

Role least_role(const Row& row) {
  for (const api::RouteRule& rule : api::route_rules()) {
    if (rule.method == row.method && rule.pattern == row.pattern) return rule.least;
  }
  ADD_FAILURE() << "no such route: " << row.pattern;
  return Role::admin;
}

TEST_F(IsolationTest, EveryRouteHasARow) {
  for (const api::RouteRule& rule : api::route_rules()) {
    const bool about_things = std::any_of(
        rows_about_things().begin(), rows_about_things().end(),
        [&](const Row& row) { return row.method == rule.method && row.pattern == rule.pattern; });
    const auto& others = paths_without_things();
    const bool other = rule.method == Method::get &&
                       std::find(others.begin(), others.end(), rule.pattern) != others.end();
    EXPECT_TRUE(about_things || other)
        << http::to_string(rule.method) << " " << rule.pattern << " has no row in this test";
  }
}

// To an admin nothing is another's, but what is gone or never was is neither.
TEST_F(IsolationTest, ThingsOfOthersLookAsIfTheyWereNot) {
  const Belongings other = belongings_of("eve");
  const Belongings deleted = deleted_of("max");
  for (const Caller& caller : kCallers) {
    for (const Row& row : rows_about_things()) {
      SCOPED_TRACE(caller.name + " " + std::string(http::to_string(row.method)) + " " +
                   row.pattern + " " + row.body(guessed()));
      const auto answer_about = [&](const Belongings& b) {
        auto answer = ask(caller.name, row.method, row.path(b), row.body(b));
        return std::pair(answer.status(), without_ids(answer.response->body, b));
      };
      const auto unknown = answer_about(guessed());
      EXPECT_EQ(unknown.first, caller.role < least_role(row) ? 403u : 404u) << unknown.second;
      if (caller.role != Role::admin) {
        EXPECT_EQ(answer_about(other), unknown);
      }
      EXPECT_EQ(answer_about(deleted), unknown);
    }
    const auto image = ask(caller.name, Method::get, std::string("/v1/images/") + kGuessed);
    EXPECT_EQ(image.status(), 404u) << caller.name << image.response->body;
  }
  EXPECT_THAT(world.disagreements(), testing::IsEmpty());
}

TEST_F(IsolationTest, NobodyGetsInWithoutAToken) {
  const Belongings own = belongings_of("max");
  for (const Row& row : rows_about_things()) {
    EXPECT_EQ(ask("", row.method, row.path(own), row.body(own)).status(), 401u) << row.pattern;
    EXPECT_EQ(ask("mallory", row.method, row.path(own), row.body(own)).status(), 401u);
  }
  for (const api::RouteRule& rule : api::route_rules()) {
    if (rule.method != Method::get || rule.pattern.find('{') != std::string::npos) continue;
    EXPECT_EQ(ask("", Method::get, rule.pattern).status(), rule.open ? 200u : 401u) << rule.pattern;
  }
}

/// Asks for everything that `owner` holds as `caller`, who may see it. What goes is asked for last.
void expect_allowed(const Caller& caller, const Belongings& owned,
                    const std::function<World::Answer(const Row&)>& ask) {
  std::vector<Row> rows = rows_about_things();
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return (a.method == Method::del) < (b.method == Method::del);
  });
  for (const Row& row : rows) {
    SCOPED_TRACE(caller.name + " " + std::string(http::to_string(row.method)) + " " + row.pattern);
    const auto answer = ask(row);
    if (caller.role < least_role(row)) {
      EXPECT_EQ(answer.status(), 403u) << answer.response->body;
      continue;
    }
    // A conflict is an answer for those who may see: the volume is attached by then.
    const bool seen = answer.status() == 200 || answer.status() == 202 || answer.status() == 409;
    EXPECT_TRUE(seen) << row.path(owned) << answer.response->body;
  }
}

TEST_F(IsolationTest, RolesBoundWhatIsDoneWithOnesOwn) {
  const Belongings own = belongings_of("max");
  for (const Caller& caller : {Caller{"rita", Role::reader}, Caller{"max", Role::member}}) {
    expect_allowed(caller, own, [&](const Row& row) {
      return ask(caller.name, row.method, row.path(own), row.body(own));
    });
  }
}

TEST_F(IsolationTest, AdminsSeeAndChangeEveryProject) {
  const Belongings theirs = belongings_of("eve");
  expect_allowed({"ada", Role::admin}, theirs, [&](const Row& row) {
    return ask("ada", row.method, row.path(theirs), row.body(theirs));
  });
  const Belongings own = belongings_of("ada");
  expect_allowed({"ada", Role::admin}, own, [&](const Row& row) {
    return ask("ada", row.method, row.path(own), row.body(own));
  });
}

TEST_F(IsolationTest, ListsShowNothingOfOthers) {
  const Belongings other = belongings_of("eve");
  const Belongings own = belongings_of("max");
  for (const std::string& path : paths_without_things()) {
    for (const std::string who : {"rita", "max"}) {
      const auto answer = ask(who, Method::get, asked(path));
      EXPECT_EQ(answer.status(), path.starts_with("/v1/audit") ? 403u : 200u) << path;
      for (const std::string& id :
           {other.volume, other.snapshot, other.attached_volume, other.attachment, other.operation})
        EXPECT_THAT(answer.response->body, Not(HasSubstr(id))) << path;
    }
    EXPECT_EQ(ask("ada", Method::get, asked(path)).status(), 200u) << path;
  }
  EXPECT_THAT(ask("rita", Method::get, "/v1/vms").response->body, HasSubstr(own.attachment));
  EXPECT_THAT(ask("ada", Method::get, "/v1/volumes?project=mail").response->body,
              HasSubstr(other.volume));
  EXPECT_THAT(ask("ada", Method::get, "/v1/snapshots?all_projects=true").response->body,
              testing::AllOf(HasSubstr(other.snapshot), HasSubstr(own.snapshot)));
}

TEST_F(IsolationTest, FiltersAndMarkersTellNothingOfOthers) {
  const Belongings other = belongings_of("eve");
  const std::vector<std::pair<std::string, std::string>> lists = {
      {"volumes", other.volume}, {"snapshots", other.snapshot}, {"operations", other.operation}};
  for (const auto& [noun, id] : lists) {
    const std::string list = "/v1/" + noun;
    const auto foreign = ask("max", Method::get, list + "?marker=" + id);
    const auto unknown = ask("max", Method::get, list + "?marker=" + kGuessed);
    EXPECT_EQ(foreign.status(), 400u) << foreign.response->body;
    EXPECT_EQ(foreign.response->body, unknown.response->body);
    for (const std::string& query : {"?id=" + id, "?id_prefix=" + id.substr(0, 13)}) {
      EXPECT_EQ(ask("max", Method::get, list + query).response->body,
                R"({")" + noun + R"(":[],"next":null})")
          << query;
    }
    for (const std::string query : {"?project=mail", "?all_projects=true"}) {
      const auto refused = ask("max", Method::get, list + query);
      EXPECT_EQ(refused.status(), 403u) << refused.response->body;
      EXPECT_THAT(refused.response->body, HasSubstr(R"("code":"forbidden")"));
    }
    EXPECT_EQ(ask("max", Method::get, list + "?project=web").status(), 200u);
  }
}

TEST_F(IsolationTest, WhatHoldsAForeignSourceIsNotTold) {
  const Belongings other = belongings_of("eve");
  world.network.set_down("vs1", true);
  world.send(World::request(Method::del, "/v1/volumes/" + other.volume, "", token_of("eve")));
  world.time.run_for(Milliseconds(100));
  const std::string body = R"({"source":{"type":"volume","id":")" + other.volume + R"("}})";
  const auto refused =
      world.send(World::request(Method::post, "/v1/volumes", body, token_of("max")));
  world.time.run_for(Milliseconds(100));
  EXPECT_EQ(refused->status(), 404u) << refused->response->body;
  EXPECT_THAT(refused->response->body, Not(HasSubstr(R"("operation")")));
}

TEST_F(IsolationTest, KeysBelongToANameInAProject) {
  world.kill_front();
  world.tokens += token_line("max-in-mail", "member", "mail");
  // One name in two projects, as two operators may give it out.
  const auto at = world.tokens.rfind("max-in-mail");
  world.tokens.replace(at, std::string("max-in-mail").size(), "max");
  world.start_front();
  const std::string body = R"({"size_bytes":1048576})";
  const auto here = ask("max", Method::post, "/v1/volumes", body, "k");
  const auto there = ask("max-in-mail", Method::post, "/v1/volumes", body, "k");
  EXPECT_EQ(there.status(), 202u) << there.response->body;
  EXPECT_NE(here.member("operation", "id"), there.member("operation", "id"));
}

TEST_F(IsolationTest, ARepeatShowsWhatMayStillBeSeen) {
  const Belongings other = belongings_of("eve");
  const std::string body = R"({"volume_id":")" + other.volume + R"("})";
  ASSERT_EQ(ask("ada", Method::post, "/v1/snapshots", body, "k").status(), 202u);
  EXPECT_EQ(ask("ada", Method::post, "/v1/snapshots", body, "k").status(), 200u);
  world.kill_front();
  const auto at = world.tokens.find("ada admin");
  world.tokens.replace(at, 9, "ada member");
  world.start_front();
  EXPECT_EQ(ask("ada", Method::post, "/v1/snapshots", body, "k").status(), 404u);
}

TEST_F(IsolationTest, WhatAnAdminMakesCountsForTheProjectThatGetsIt) {
  const Belongings other = belongings_of("eve");
  world.kill_front();
  world.settings.project_quota["mail"].snapshots = 2;
  world.settings.project_quota["ops"].snapshots = 100;
  world.start_front();
  const std::string body = R"({"volume_id":")" + other.volume + R"("})";
  EXPECT_EQ(ask("ada", Method::post, "/v1/snapshots", body).status(), 202u);
  const auto refused = ask("ada", Method::post, "/v1/snapshots", body);
  EXPECT_EQ(refused.status(), 403u) << refused.response->body;
  EXPECT_THAT(refused.response->body, HasSubstr("quota-exceeded"));
}

}  // namespace
}  // namespace vbs::sim
