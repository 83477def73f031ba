#include "cli/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/support.h"

namespace vbs::cli {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Service, SendsALostRequestAgainWithTheSameKey) {
  int failures = 2;
  ServiceFixture f([&](const http::Request&) -> Result<http::Response> {
    if (failures-- > 0) return connection_lost();
    return json_answer(R"({"ok":true})", 202);
  });
  ASSERT_TRUE(f.service.change({http::Method::post, "/v1/volumes", {}, "{}"}));
  ASSERT_THAT(f.transport.requests, SizeIs(3));
  const auto key = f.transport.requests[0].headers.find("Idempotency-Key");
  ASSERT_TRUE(key);
  for (const auto& request : f.transport.requests) {
    EXPECT_EQ(request.headers.find("Idempotency-Key"), key);
    EXPECT_EQ(request.body, "{}");
  }
  EXPECT_THAT(f.pause.pauses, ElementsAre(Milliseconds(250), Milliseconds(500)));
}

TEST(Service, GivesEveryChangeAKeyOfItsOwn) {
  ServiceFixture f([](const http::Request&) { return json_answer("{}"); });
  ASSERT_TRUE(f.service.change({http::Method::del, "/v1/volumes/1", {}, ""}));
  ASSERT_TRUE(f.service.change({http::Method::del, "/v1/volumes/1", {}, ""}));
  EXPECT_NE(f.transport.requests[0].headers.find("Idempotency-Key"),
            f.transport.requests[1].headers.find("Idempotency-Key"));
}

TEST(Service, GivesUpAfterThreeRepeats) {
  ServiceFixture f([](const http::Request&) { return connection_lost(); });
  const auto answer = f.service.get("/v1/usage");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::node_unavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("http://service"));
  EXPECT_THAT(f.transport.requests, SizeIs(4));
}

TEST(Service, DoesNotRepeatWhatHadNoAnswerInTime) {
  ServiceFixture f([&](const http::Request&) {
    f.clock.millis += 30'000;
    return fail(ErrorCode::timeout, "no answer");
  });
  EXPECT_FALSE(f.service.get("/v1/usage"));
  EXPECT_THAT(f.transport.requests, SizeIs(1));
}

TEST(Service, SaysSoWhereARequestMayHaveBeenTaken) {
  int sent = 0;
  ServiceFixture f([&](const http::Request&) -> Result<http::Response> {
    if (++sent == 2) return fail(ErrorCode::timeout, "the connection was lost");
    return connection_lost();
  });
  const auto answer = f.service.change({http::Method::post, "/v1/volumes", {}, "{}"});
  EXPECT_EQ(answer.error().code, ErrorCode::timeout) << "the second one";
  EXPECT_THAT(f.transport.requests, SizeIs(4));
}

TEST(Service, AnInterruptEndsTheRepeats) {
  ServiceFixture f([](const http::Request&) { return connection_lost(); });
  f.pause.interrupt_at = f.clock.millis + 100;
  EXPECT_FALSE(f.service.get("/v1/usage"));
  EXPECT_THAT(f.transport.requests, SizeIs(1));
}

TEST(Service, PassesTheServicesProblemOn) {
  ServiceFixture f([](const http::Request&) {
    return http::problem(Error{ErrorCode::already_exists, "taken", "name", "vs1", "op"});
  });
  const auto answer = f.service.get("/v1/volumes");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::already_exists);
  EXPECT_EQ(answer.error().message, "taken");
  EXPECT_EQ(answer.error().field, "name");
  EXPECT_EQ(answer.error().node, "vs1");
  EXPECT_EQ(answer.error().operation, "op");
}

TEST(Service, UnderstandsStatusesWithoutAProblem) {
  const auto code_of = [](unsigned status) {
    http::Response answer;
    answer.status = status;
    answer.content_type = "text/html";
    answer.body = "<html>";
    return error_of_answer(answer).code;
  };
  EXPECT_EQ(code_of(401), ErrorCode::unauthenticated);
  EXPECT_EQ(code_of(403), ErrorCode::forbidden);
  EXPECT_EQ(code_of(404), ErrorCode::not_found);
  EXPECT_EQ(code_of(502), ErrorCode::node_unavailable);
  EXPECT_EQ(code_of(503), ErrorCode::overloaded);
  EXPECT_EQ(code_of(418), ErrorCode::internal);
}

TEST(Service, RefusesAnswersThatAreNotJsonObjects) {
  for (const char* body : {"", "[]", "null", "<html>", "{\"a\":1,\"a\":2}", "{} x"}) {
    ServiceFixture f([&](const http::Request&) { return json_answer(body); });
    EXPECT_FALSE(f.service.get("/v1/usage")) << body;
  }
  ServiceFixture redirect([](const http::Request&) { return json_answer("{}", 302); });
  EXPECT_FALSE(redirect.service.get("/v1/usage"));
}

TEST(ServiceList, ReadsPageAfterPage) {
  ServiceFixture f([](const http::Request& request) {
    const auto marker = request.query_value("marker");
    if (!marker) return json_answer(R"({"volumes":[{"id":"1"},{"id":"2"}],"next":"2"})");
    EXPECT_EQ(*marker, "2");
    return json_answer(R"({"volumes":[{"id":"3"}],"next":null})");
  });
  const auto all = f.service.list("/v1/volumes", "volumes", {{"state", "available"}});
  ASSERT_TRUE(all);
  EXPECT_THAT(*all, SizeIs(3));
  ASSERT_THAT(f.transport.requests, SizeIs(2));
  for (const auto& request : f.transport.requests) {
    EXPECT_EQ(request.query_value("state"), "available");
    EXPECT_EQ(request.query_value("limit"), "500");
  }
}

TEST(ServiceList, StopsAtTheLimit) {
  ServiceFixture f([](const http::Request& request) {
    EXPECT_EQ(request.query_value("limit"), request.query_value("marker") ? "1" : "3");
    return json_answer(R"({"volumes":[{"id":"1"},{"id":"2"}],"next":"2"})");
  });
  const auto some = f.service.list("/v1/volumes", "volumes", {}, 3);
  ASSERT_TRUE(some);
  EXPECT_THAT(*some, SizeIs(3)) << "also when the service gives more than asked for";
}

TEST(ServiceList, AnEndlessListIsAnError) {
  ServiceFixture f(
      [](const http::Request&) { return json_answer(R"({"volumes":[],"next":"again"})"); });
  EXPECT_FALSE(f.service.list("/v1/volumes", "volumes", {}));
}

TEST(ServiceList, AListInOnePieceIsAskedForWithoutPages) {
  ServiceFixture f([](const http::Request& request) {
    EXPECT_TRUE(request.query.empty());
    return json_answer(R"({"nodes":[{"name":"vs1"}],"next":null})");
  });
  const auto nodes = f.service.list_whole("/v1/nodes", "nodes");
  ASSERT_TRUE(nodes);
  EXPECT_THAT(*nodes, SizeIs(1));
  EXPECT_FALSE(f.service.list_whole("/v1/vms", "vms"));
}

TEST(ServiceList, WantsTheArray) {
  ServiceFixture f([](const http::Request&) { return json_answer(R"({"snapshots":[]})"); });
  EXPECT_FALSE(f.service.list("/v1/volumes", "volumes", {}));
}

}  // namespace
}  // namespace vbs::cli
