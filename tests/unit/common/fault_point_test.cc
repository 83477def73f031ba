#include "common/fault_point.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>

#include "child.h"
#include "support.h"

// The environment is read once a process, so every case has a process of its own, and this one
// never passes a point itself.
namespace vbs {
namespace {

constexpr int kReachedEnd = 7;

pid_t start_with(const std::string& faults, const std::function<void()>& body,
                 const std::string& log = "") {
  return test::fork_child([&] {
    ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);
    ::setenv("VBS_FAULT", faults.c_str(), 1);
    if (!log.empty()) ::setenv("VBS_FAULT_LOG", log.c_str(), 1);
    body();
    return kReachedEnd;
  });
}

int run_with(const std::string& faults, const std::function<void()>& body,
             const std::string& log = "") {
  return test::wait_status(start_with(faults, body, log));
}

bool reached_end(int status) {
  return WIFEXITED(status) && WEXITSTATUS(status) == kReachedEnd;
}

bool killed_by(int status, int signal) {
  return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

TEST(FaultPoint, KillEndsTheProcessAtThePoint) {
  EXPECT_TRUE(killed_by(run_with("step=kill", [] { fault_point("step"); }), SIGKILL));
  EXPECT_TRUE(reached_end(run_with("step=kill", [] { fault_point("other"); })));
  EXPECT_TRUE(reached_end(run_with("step=kill", [] { fault_point("step/more"); })));
}

TEST(FaultPoint, AStarEndsAPrefix) {
  EXPECT_TRUE(killed_by(run_with("attach/*=kill", [] { fault_point("attach/export"); }), SIGKILL));
  EXPECT_TRUE(reached_end(run_with("attach/*=kill", [] { fault_point("detach/export"); })));
  EXPECT_TRUE(killed_by(run_with("*=kill", [] { fault_point("x"); }), SIGKILL));
}

TEST(FaultPoint, SeveralPointsMayBeArmed) {
  const std::string faults = "a=sleep:0;b=kill;";
  EXPECT_TRUE(reached_end(run_with(faults, [] { fault_point("a"); })));
  EXPECT_TRUE(killed_by(run_with(faults, [] { fault_point("b"); }), SIGKILL));
}

// Stops and continues the child as often as it lets itself be stopped.
int count_stops(pid_t pid) {
  int stops = 0;
  int status = 0;
  while (::waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
    ++stops;
    ::kill(pid, SIGCONT);
  }
  EXPECT_TRUE(reached_end(status));
  return stops;
}

TEST(FaultPoint, StopWaitsForAContinue) {
  EXPECT_EQ(count_stops(start_with("step=stop", [] { fault_point("step"); })), 1);
}

TEST(FaultPoint, AnArmingFiresOnceUnlessMarked) {
  const auto thrice = [] {
    for (int i = 0; i < 3; ++i) fault_point("step");
  };
  EXPECT_EQ(count_stops(start_with("step=stop", thrice)), 1);
  EXPECT_EQ(count_stops(start_with("step=stop!", thrice)), 3);
  EXPECT_EQ(count_stops(start_with("step=stop;step=stop", thrice)), 2);
}

TEST(FaultPoint, SleepBlocksTheCaller) {
  const int status = run_with("step=sleep:30!", [] {
    for (int i = 0; i < 2; ++i) {
      const auto start = std::chrono::steady_clock::now();
      fault_point("step");
      const auto slept = std::chrono::steady_clock::now() - start;
      if (slept < std::chrono::milliseconds(30)) ::_exit(1);
    }
  });
  EXPECT_TRUE(reached_end(status));
}

TEST(FaultPoint, TheLogListsWhatWasPassed) {
  const test::TempDir dir;
  const std::string log = dir.path("points");
  EXPECT_TRUE(killed_by(run_with(
                            "c=kill",
                            [] {
                              fault_point("a");
                              fault_point("b");
                              fault_point("c");
                              fault_point("d");
                            },
                            log),
                        SIGKILL));
  EXPECT_EQ(test::slurp(log), "a\nb\nc\n");
  EXPECT_TRUE(reached_end(run_with(
      "", [] { fault_point("e"); }, log)));
  EXPECT_EQ(test::slurp(log), "a\nb\nc\ne\n");
}

TEST(FaultPoint, ArmedOnlyWhenTheEnvironmentSaysSo) {
  const auto leave_with_answer = [] { ::_exit(fault_points_armed() ? 1 : 0); };
  EXPECT_EQ(run_with("", leave_with_answer), 0);
  EXPECT_EQ(WEXITSTATUS(run_with("x=stop", leave_with_answer)), 1);
  EXPECT_EQ(run_with("", leave_with_answer, "/dev/full"), 1 << 8);
}

TEST(FaultPoint, AMisspeltArmingIsNotIgnored) {
  for (const char* faults :
       {"step", "step=", "=kill", "step=die", "step=sleep", "step=sleep:", "step=sleep:x",
        "step=sleep:-1", "step=sleep:5s", "step=kill!!", ";step=kill", "step=kill;;"}) {
    EXPECT_TRUE(killed_by(run_with(faults, [] { fault_point("unrelated"); }), SIGABRT)) << faults;
  }
  EXPECT_TRUE(killed_by(run_with(
                            "", [] { fault_point("x"); }, "/nonexistent/points"),
                        SIGABRT));
  EXPECT_TRUE(killed_by(run_with(
                            "", [] { fault_point("x"); }, "/dev/full"),
                        SIGABRT));
}

}  // namespace
}  // namespace vbs
