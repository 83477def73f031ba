// A front and delegates that are one version apart: who is newer says more, who is older says less.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "common/file.h"
#include "tests/sim/scenarios.h"
#include "tests/sim/wire_document.h"

namespace vbs::sim {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr Milliseconds kTwoSweeps{45'000};

enum class Dialect { newer, older };

/// The document as somebody of the other version says it.
std::string said(Dialect dialect, const WireDocument& document, const std::string& body) {
  const auto value = json::parse(body);
  if (!value) return body;
  return json::to_text(dialect == Dialect::newer ? with_more(*value) : with_less(document, *value));
}

class VersionsTest : public testing::TestWithParam<Scenario> {
 protected:
  void speak(World& world, Dialect orders, Dialect answers) {
    world.network.set_dialect(
        [=, this](const api::DelegateCall& call, http::Request& request) {
          if (orders == Dialect::newer) request.query.emplace_back("new", "1");
          const WireDocument* document = order_of(call);
          if (document == nullptr) return;
          request.body = said(orders, *document, request.body);
          ++changed;
        },
        [=, this](const api::DelegateCall& call, http::Response& response) {
          const WireDocument* document = answer_of(call, response);
          if (document == nullptr) return;
          response.body = said(answers, *document, response.body);
          ++changed;
        });
  }

  /// The state in which the operation ends, and whether rows and world agree.
  std::string carry_out(World& world) {
    const Request request = GetParam().prepare(world);
    std::string state;
    if (request.path.empty()) {
      world.time.run_for(kTwoSweeps);
      const auto found =
          world.carry_out(http::Method::get, "/v1/operations?kind=" + GetParam().kind);
      state = found.response->body;
    } else {
      const auto answer = world.carry_out(request.method, request.path, request.body);
      const auto path = "/v1/operations/" + answer.member("operation", "id");
      state = answer.status() < 300 ? world.carry_out(http::Method::get, path).response->body
                                    : answer.response->body;
    }
    world.time.run_for(kTwoSweeps);
    EXPECT_TRUE(world.settle());
    EXPECT_THAT(world.disagreements(), IsEmpty());
    EXPECT_THAT(world.carry_out(http::Method::get, "/v1/audit").response->body,
                HasSubstr(R"("findings":[])"));
    return state;
  }

  int changed = 0;
};

TEST_P(VersionsTest, DelegatesOneVersionNewer) {
  World world(11, InitiatorKind::of_host);
  speak(world, Dialect::older, Dialect::newer);
  EXPECT_THAT(carry_out(world), HasSubstr(R"("state":"succeeded")"));
  EXPECT_GT(changed, 4);
}

TEST_P(VersionsTest, DelegatesOneVersionOlder) {
  World world(12, InitiatorKind::of_host);
  speak(world, Dialect::newer, Dialect::older);
  // What it does not say that it offers cannot be asked for.
  const bool offered = GetParam().name != "CopyOfAnImage";
  EXPECT_THAT(carry_out(world),
              HasSubstr(offered ? R"("state":"succeeded")" : "there is no image base"));
  EXPECT_GT(changed, 4);
}

INSTANTIATE_TEST_SUITE_P(Workflows, VersionsTest, testing::ValuesIn(scenarios()),
                         [](const auto& one) { return one.param.name; });

constexpr const char* kRecorded = VBS_SOURCE_DIR "/tests/recorded/wire/";

/// Documents as they were said: {"document":"ExportSpec","body":{...}}.
struct Recorded {
  std::string document;
  json::Value body;
};

/// Of the n-th recording; empty where there is none.
std::vector<Recorded> recording(int number) {
  std::vector<Recorded> all;
  const auto text = read_file(kRecorded + std::to_string(number) + ".jsonl", 1 << 20);
  std::istringstream lines(text.value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const auto value = json::parse(line);
    if (value) all.push_back({*value->find("document")->as<std::string>(), *value->find("body")});
  }
  return all;
}

int last_recording() {
  int number = 0;
  while (!recording(number + 1).empty()) ++number;
  return number;
}

/// "ExportStatus.sessions.address" and so on, of everything in a document.
void add_members(const std::string& place, const json::Value& value, std::set<std::string>& all) {
  if (const auto* items = value.as<json::Value::Array>()) {
    for (const json::Value& item : *items) add_members(place, item, all);
  } else if (const auto* members = value.as<json::Value::Object>()) {
    for (const auto& [name, member] : *members) add_members(place + "." + name, member, all);
  } else {
    all.insert(place);
  }
}

/// All that front and delegates say to each other in every workflow, once each.
std::vector<Recorded> said_now(std::set<std::string>& members) {
  std::vector<Recorded> all;
  const auto note = [&](const WireDocument* document, const std::string& body) {
    const auto value = document == nullptr ? json::parse("") : json::parse(body);
    if (!value) return;
    const std::size_t before = members.size();
    add_members(document->name, *value, members);
    if (members.size() > before) all.push_back({document->name, *value});
  };
  for (const InitiatorKind kind : {InitiatorKind::of_host, InitiatorKind::of_vms}) {
    for (const Scenario& scenario : scenarios()) {
      World world(13, kind);
      world.network.set_dialect(
          [&](const auto& call, http::Request& request) { note(order_of(call), request.body); },
          [&](const auto& call, http::Response& response) {
            note(answer_of(call, response), response.body);
          });
      const Request request = scenario.prepare(world);
      if (!request.path.empty()) world.carry_out(request.method, request.path, request.body);
      world.time.run_for(kTwoSweeps);
    }
  }
  return all;
}

TEST(RecordedWireTest, WhatAnEarlierVersionSaidIsUnderstood) {
  ASSERT_GE(last_recording(), 1);
  for (int number = 1; number <= last_recording(); ++number) {
    for (const Recorded& one : recording(number)) {
      const WireDocument* document = document_named(one.document);
      ASSERT_NE(document, nullptr) << one.document;
      const auto understood = document->reread(one.body);
      ASSERT_TRUE(understood) << one.document << ": " << describe(understood.error());
      std::set<std::string> before;
      std::set<std::string> after;
      add_members(one.document, one.body, before);
      add_members(one.document, *json::parse(*understood), after);
      for (const std::string& member : before) EXPECT_TRUE(after.contains(member)) << member;
    }
  }
}

TEST(RecordedWireTest, WhatIsSaidNowIsRecorded) {
  std::set<std::string> now;
  const std::vector<Recorded> said = said_now(now);
  std::set<std::string> recorded;
  for (const Recorded& one : recording(last_recording()))
    add_members(one.document, one.body, recorded);
  std::string text;
  for (const Recorded& one : said) {
    text += R"({"document":")" + one.document + R"(","body":)" + json::to_text(one.body) + "}\n";
  }
  for (const std::string& member : now) {
    EXPECT_TRUE(recorded.contains(member))
        << member << " is new: keep " << kRecorded << last_recording() + 1 << ".jsonl:\n"
        << text;
    if (HasFailure()) return;
  }
  for (const std::string& member : recorded)
    EXPECT_TRUE(now.contains(member))
        << member << " is not said any more; who is older may need it";
}

}  // namespace
}  // namespace vbs::sim
