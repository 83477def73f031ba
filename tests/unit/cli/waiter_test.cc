#include "cli/waiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/cli/support.h"

namespace vbs::cli {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string operation_text(const std::string& state, const std::string& more = "") {
  const bool ended = state != "running" && state != "undoing";
  return R"({"id":"op","kind":"attach-volume","state":")" + state +
         R"(","steps":["export","log-in"],"step_number":2,"step":)" +
         (ended ? "null" : R"("log-in")") + R"(,"ended_at":)" +
         (ended ? R"("2026-03-01T12:00:00.000Z")" : "null") + more + "}";
}

/// A wait for "op" on simulated time.
struct WaitFixture : ServiceFixture {
  using ServiceFixture::ServiceFixture;

  Result<Waited> wait(std::optional<Milliseconds> limit = std::nullopt) {
    Progress progress(err, style, clock);
    auto first = read_operation(parsed(operation_text("running")));
    return wait_for_operation(service, pause, clock, progress, *first, limit);
  }

  std::ostringstream err;
  Progress::Style style = Progress::Style::lines;
};

TEST(Waiter, ReadsUntilTheOperationHasEnded) {
  int reads = 0;
  WaitFixture f([&](const http::Request& request) {
    EXPECT_EQ(request.path, "/v1/operations/op");
    return json_answer(operation_text(++reads < 4 ? "running" : "succeeded"));
  });
  const auto waited = f.wait();
  ASSERT_TRUE(waited);
  EXPECT_EQ(waited->end, WaitEnd::ended);
  EXPECT_TRUE(waited->operation.succeeded());
  EXPECT_EQ(reads, 4);
  EXPECT_THAT(f.pause.pauses, ElementsAre(Milliseconds(50), Milliseconds(75), Milliseconds(112)));
}

TEST(Waiter, LetsTheServiceWait) {
  int reads = 0;
  WaitFixture f([](const http::Request&) { return connection_lost(); });
  f.transport.script = [&](const http::Request& request) {
    EXPECT_EQ(request.headers.find("Prefer").value_or(""), "wait=1");
    f.clock.millis += 1'000;
    return json_answer(operation_text(++reads < 3 ? "running" : "succeeded"));
  };
  ASSERT_TRUE(f.wait());
  EXPECT_EQ(reads, 3);
  EXPECT_THAT(f.pause.pauses, IsEmpty());
}

TEST(Waiter, TheServiceMustNotWaitLongerThanTheUser) {
  WaitFixture f([](const http::Request& request) {
    EXPECT_FALSE(request.headers.find("Prefer"));
    return json_answer(operation_text("running"));
  });
  EXPECT_EQ(f.wait(Milliseconds(900))->end, WaitEnd::timed_out);
}

TEST(Waiter, AnOperationThatHasEndedIsNotReadAgain) {
  WaitFixture f([](const http::Request&) { return connection_lost(); });
  Progress progress(f.err, f.style, f.clock);
  const auto first = read_operation(parsed(operation_text("succeeded")));
  const auto waited =
      wait_for_operation(f.service, f.pause, f.clock, progress, *first, std::nullopt);
  ASSERT_TRUE(waited);
  EXPECT_TRUE(waited->document.is_null());
  EXPECT_THAT(f.transport.requests, IsEmpty());
}

TEST(Waiter, PollsAtMostOnceASecondHoweverLongItTakes) {
  int reads = 0;
  WaitFixture f([&](const http::Request&) {
    return json_answer(operation_text(++reads < 600 ? "running" : "failed"));
  });
  const std::int64_t started = f.clock.millis;
  ASSERT_TRUE(f.wait());
  EXPECT_EQ(f.pause.pauses.back(), Milliseconds(1'000));
  EXPECT_GT(f.clock.millis - started, 590'000);
}

TEST(Waiter, StopsAtItsLimitAndNotLater) {
  WaitFixture f([](const http::Request&) { return json_answer(operation_text("running")); });
  const std::int64_t started = f.clock.millis;
  const auto waited = f.wait(Milliseconds(10'500));
  ASSERT_TRUE(waited);
  EXPECT_EQ(waited->end, WaitEnd::timed_out);
  EXPECT_EQ(f.clock.millis - started, 10'500);
}

TEST(Waiter, StopsWhenInterrupted) {
  WaitFixture f([](const http::Request&) { return json_answer(operation_text("running")); });
  f.pause.interrupt_at = f.clock.millis + 5'000;
  const auto waited = f.wait();
  ASSERT_TRUE(waited);
  EXPECT_EQ(waited->end, WaitEnd::interrupted);
  EXPECT_EQ(waited->operation.id, "op");
}

TEST(Waiter, SitsOutARestartOfTheService) {
  WaitFixture f([](const http::Request&) -> Result<http::Response> { return connection_lost(); });
  const std::int64_t back_at = f.clock.millis + 45'000;
  f.transport.script = [&](const http::Request&) -> Result<http::Response> {
    if (f.clock.millis < back_at) return connection_lost();
    return json_answer(operation_text("succeeded"));
  };
  const auto waited = f.wait();
  ASSERT_TRUE(waited);
  EXPECT_TRUE(waited->operation.succeeded());
  EXPECT_THAT(f.err.str(), HasSubstr("trying again"));
}

TEST(Waiter, GivesUpOnAServiceThatStaysAwayAndNamesTheOperation) {
  WaitFixture f([](const http::Request&) { return connection_lost(); });
  const auto waited = f.wait();
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::node_unavailable);
  EXPECT_EQ(waited.error().operation, "op");
}

TEST(Waiter, ARefusalIsNotSatOut) {
  WaitFixture f([](const http::Request&) {
    return http::problem(Error{ErrorCode::unauthenticated, "token revoked", {}, {}, {}});
  });
  const auto waited = f.wait();
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(f.transport.requests.size(), 1U);
}

TEST(Waiter, SaysNothingOfAQuickOperation) {
  int reads = 0;
  WaitFixture f([&](const http::Request&) {
    return json_answer(operation_text(++reads < 3 ? "running" : "succeeded"));
  });
  ASSERT_TRUE(f.wait());
  EXPECT_EQ(f.err.str(), "");
}

TEST(Waiter, SaysWhatASlowStepWaitsForOnceInAWhile) {
  WaitFixture f([](const http::Request&) {
    return json_answer(operation_text(
        "running", R"(,"waiting":{"for":"node vs1\u001b[2J","since":"x","attempt":7})"));
  });
  ASSERT_TRUE(f.wait(Milliseconds(40'000)));
  const std::string text = f.err.str();
  EXPECT_THAT(text, HasSubstr("attach-volume: step 2/2 log-in, waits for node vs1\\x1b[2J "
                              "(attempt 7)"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << "after 5 s and 30 s later: " << text;
}

TEST(Waiter, ShowsOneLiveLineAndTakesItAway) {
  int reads = 0;
  WaitFixture f([&](const http::Request&) {
    return json_answer(operation_text(++reads < 3 ? "undoing" : "failed"));
  });
  f.style = Progress::Style::live;
  ASSERT_TRUE(f.wait());
  const std::string text = f.err.str();
  EXPECT_THAT(text, HasSubstr("\rattach-volume: undoing step 2/2 log-in, 50 ms\x1b[K"));
  EXPECT_TRUE(text.ends_with("\r\x1b[K"));
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(Waiter, IsSilentWhenToldSo) {
  WaitFixture f([](const http::Request&) { return json_answer(operation_text("running")); });
  f.style = Progress::Style::none;
  ASSERT_TRUE(f.wait(Milliseconds(100'000)));
  EXPECT_EQ(f.err.str(), "");
}

TEST(Progress, FitsTheLiveLineIntoTheTerminal) {
  std::ostringstream err;
  const ManualClock clock;
  Progress progress(err, Progress::Style::live, clock);
  progress.set_columns(11);
  progress.show(*read_operation(parsed(operation_text("running"))));
  EXPECT_EQ(err.str(), "\rattach-vol\x1b[K");
}

TEST(ReadOperation, TakesWhatItNeedsAndToleratesTheRest) {
  const auto bare = read_operation(parsed(operation_text("succeeded", R"(,"new_member":{})")));
  ASSERT_TRUE(bare);
  EXPECT_TRUE(bare->ended);
  EXPECT_EQ(describe_step(*bare), "succeeded");
  const auto wrapped =
      read_operation(parsed(R"({"volume":{},"operation":)" + operation_text("running") + "}"));
  ASSERT_TRUE(wrapped);
  EXPECT_FALSE(wrapped->ended);
  EXPECT_EQ(describe_step(*wrapped), "step 2/2 log-in");
}

TEST(ReadOperation, CarriesTheErrorAndTheNotes) {
  const auto failed = read_operation(parsed(operation_text(
      "failed", R"(,"error":{"code":"conflict","message":"in use","node":"n1"},"notes":["a",1])")));
  ASSERT_TRUE(failed);
  ASSERT_TRUE(failed->error);
  EXPECT_EQ(failed->error->code, ErrorCode::conflict);
  EXPECT_EQ(failed->error->node, "n1");
  EXPECT_EQ(failed->error->operation, "op");
  EXPECT_THAT(failed->notes, ElementsAre("a"));
}

TEST(ReadOperation, NamesTheMemberThatIsWrong) {
  for (const char* text :
       {R"({"kind":"x","state":"running"})", R"({"id":1,"kind":"x","state":"y"})",
        R"({"id":"1","kind":"x","state":"y","waiting":{"attempt":1}})",
        R"({"id":"1","kind":"x","state":"y","error":{"code":"conflict"}})"}) {
    const auto operation = read_operation(parsed(text));
    ASSERT_FALSE(operation) << text;
    EXPECT_THAT(operation.error().message, HasSubstr("not understood")) << text;
  }
}

}  // namespace
}  // namespace vbs::cli
