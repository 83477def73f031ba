#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <thread>
#include <vector>

#include "child.h"
#include "common/process.h"
#include "process_support.h"
#include "support.h"

namespace vbs::process {
namespace {

constexpr Milliseconds kSoon(50);
// Long enough for a shell to get to its first commands on a busy machine.
constexpr Milliseconds kAfterStart(2'000);

TEST(ProcessLimits, ChattyOnBothStreams) {
  Command command = shell(
      "head -c 3000000 /dev/zero | tr '\\0' o & head -c 3000000 /dev/zero | tr '\\0' e >&2; wait");
  command.output_limit = 4'000'000;
  const Outcome outcome = ran(command);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, std::string(3'000'000, 'o'));
  EXPECT_EQ(outcome.err, std::string(3'000'000, 'e'));
  EXPECT_FALSE(outcome.truncated);
}

TEST(ProcessLimits, OutputAboveTheLimitIsDroppedNotBlocked) {
  Command command = shell("head -c 3000000 /dev/zero; echo end >&2");
  command.output_limit = 1'000;
  const Outcome outcome = ran(command);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out.size(), 1'000U);
  EXPECT_EQ(outcome.err, "end\n");
  EXPECT_TRUE(outcome.truncated);
}

TEST(ProcessLimits, ExactlyTheLimitIsNotTruncated) {
  Command command = shell("head -c 1000 /dev/zero");
  command.output_limit = 1'000;
  EXPECT_FALSE(ran(command).truncated);
}

TEST(ProcessLimits, ATimeOutAsksFirst) {
  Command command = shell("trap 'echo bye; exit 9' TERM; echo hello; while :; do sleep 0.01; done");
  command.run_limit = kAfterStart;
  command.kill_grace = std::chrono::minutes(5);
  const Outcome outcome = ran(command);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_EQ(outcome.exit_code, 9);
  EXPECT_EQ(outcome.out, "hello\nbye\n");
}

TEST(ProcessLimits, WhatDoesNotListenIsKilled) {
  Command command;
  command.argv = {"/bin/sh", "-c", "trap '' TERM; while :; do sleep 1000; done"};
  command.run_limit = kAfterStart;
  command.kill_grace = kSoon;
  const Outcome outcome = ran(command);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_EQ(outcome.exit_code, 128 + SIGKILL);
}

TEST(ProcessLimits, AStoppedProcessIsKilled) {
  Command command = shell("kill -STOP $$");
  command.run_limit = kAfterStart;
  command.kill_grace = kSoon;
  EXPECT_EQ(ran(command).exit_code, 128 + SIGKILL);
}

TEST(ProcessLimits, ClosedStreamsDoNotEndTheWait) {
  Command command = shell("exec >&- 2>&-; sleep 1000");
  command.run_limit = kSoon;
  const Outcome outcome = ran(command);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_EQ(outcome.exit_code, 128 + SIGTERM);
}

// The leader ends at TERM; what it started ignores TERM and must go too.
TEST(ProcessLimits, ATimeOutTakesTheWholeGroup) {
  Command command = shell(
      "(trap '' TERM; sleep 1000) & echo $!; trap 'exit 0' TERM; while :; do sleep 0.01; done");
  command.run_limit = kAfterStart;
  const Outcome outcome = ran(command);
  EXPECT_TRUE(outcome.timed_out);
  ASSERT_FALSE(outcome.out.empty());
  const pid_t grandchild = std::stoi(outcome.out);
  EXPECT_TRUE(test::eventually([&] { return !test::is_running(grandchild); }));
}

TEST(ProcessLimits, AGrandchildThatHoldsThePipesIsNotWaitedFor) {
  Command command = shell("sleep 1000 & echo $!");
  command.run_limit = std::chrono::minutes(10);
  const Outcome outcome = ran(command);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_FALSE(outcome.timed_out);
  ASSERT_FALSE(outcome.out.empty());
  const pid_t grandchild = std::stoi(outcome.out);
  EXPECT_TRUE(test::is_running(grandchild));
  ::kill(grandchild, SIGKILL);
}

TEST(ProcessLimits, AChattyGrandchildIsNotListenedToForever) {
  Command command = shell("(while :; do echo more; done) & echo $!");
  command.run_limit = std::chrono::minutes(10);
  const Outcome outcome = ran(command);
  EXPECT_FALSE(outcome.timed_out);
  const auto digits = outcome.out.find_first_of("0123456789");
  ASSERT_NE(digits, std::string::npos);
  ::kill(std::stoi(outcome.out.substr(digits)), SIGKILL);
}

TEST(ProcessLimits, TheChildIsReaped) {
  const Outcome outcome = ran(shell("echo $$"));
  EXPECT_TRUE(test::stat_fields(std::stoi(outcome.out)).empty());
}

TEST(ProcessLimits, ManyThreadsMayRunCommands) {
  std::vector<std::jthread> runners;
  for (int runner = 0; runner < 4; ++runner) {
    runners.emplace_back([runner] {
      for (int i = 0; i < 10; ++i) {
        const std::string text = std::to_string(runner) + "/" + std::to_string(i);
        Command command;
        command.argv = {"/bin/cat"};
        command.input = text;
        EXPECT_EQ(ran(command).out, text);
      }
    });
  }
}

}  // namespace
}  // namespace vbs::process
