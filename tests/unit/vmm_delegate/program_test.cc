#include <gtest/gtest.h>

#include "tests/unit/vmm_delegate/program_fixture.h"

namespace vbs::vmm_delegate {
namespace {

using http::Method;
using test::test_id;
using ProgramTest = ProgramFixture;

int run(const std::vector<std::string>& arguments, std::string* output = nullptr) {
  process::Command command;
  command.argv = {VBS_BIN_DIR "/vbs-vmmd"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  const auto outcome = process::run(command);
  if (output != nullptr && outcome) *output = outcome->out + outcome->err;
  return outcome ? outcome->exit_code : -1;
}

TEST_F(ProgramTest, ServesUntilItIsTold) {
  start();
  EXPECT_EQ(ask(Method::get, "/v1/node")->status, 200U);
  EXPECT_EQ(ask(Method::get, "/v1/node", "", "another-token-entirely")->status, 401U);
  EXPECT_EQ(ask(Method::get, "/v1/nothing")->status, 404U);
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0) << test::slurp(dir.path("out"));
}

TEST_F(ProgramTest, OpensItsLogAgain) {
  start();
  const std::string log = dir.path("log");
  std::filesystem::rename(log, dir.path("old"));
  daemon.signal(SIGHUP);
  EXPECT_TRUE(test::eventually([&] { return std::filesystem::exists(log); }));
}

TEST_F(ProgramTest, OneWorksWithAStateFolder) {
  start();
  test::Child second = vmmd();
  EXPECT_EQ(second.wait(), 1);
  EXPECT_NE(test::slurp(dir.path("out")).find("another vbs-vmmd"), std::string::npos);
}

TEST_F(ProgramTest, RefusesATokenThatOthersCanRead) {
  ::chmod(dir.path("token").c_str(), 0644);
  std::string output;
  EXPECT_EQ(run({"--config", config}, &output), 1);
  EXPECT_NE(output.find("chmod 600"), std::string::npos);
  std::ofstream(dir.path("token")) << "short\n";
  ::chmod(dir.path("token").c_str(), 0600);
  EXPECT_EQ(run({"--config", config}, &output), 1);
  EXPECT_NE(output.find("16"), std::string::npos);
}

TEST_F(ProgramTest, SpeaksOfItself) {
  std::string output;
  EXPECT_EQ(run({"--version"}, &output), 0);
  EXPECT_EQ(output, "vbs-vmmd " VBS_VERSION "\n");
  EXPECT_EQ(run({"--help"}, &output), 0);
  EXPECT_NE(output.find("--check-config"), std::string::npos);
  EXPECT_EQ(run({"--config", config, "--check-config"}, &output), 0);
  EXPECT_EQ(run({"--nonsense"}, &output), 2);
  EXPECT_EQ(run({"--config", dir.path("missing")}, &output), 1);
  EXPECT_NE(output.find("missing"), std::string::npos);
}

TEST_F(ProgramTest, HoldsAVmStillAndLetsItGo) {
  start_vm("vm1");
  start();
  EXPECT_EQ(freeze_state(freeze(test_id(1), 60'000)), "frozen");
  EXPECT_EQ(state("vm1"), "paused");
  EXPECT_EQ(freeze_state(ask(Method::del, "/v1/freezes/" + test_id(1).str())), "thawed");
  EXPECT_EQ(state("vm1"), "running");
}

TEST_F(ProgramTest, AVmThatSomebodyPausedStaysPaused) {
  start_vm("vm1");
  start();
  ASSERT_TRUE(connect("vm1")->execute("stop"));
  EXPECT_EQ(freeze_state(freeze(test_id(1), 60'000)), "frozen");
  EXPECT_EQ(freeze_state(ask(Method::del, "/v1/freezes/" + test_id(1).str())), "thawed");
  EXPECT_EQ(state("vm1"), "paused");
}

// An operator lets the VM run while it is copied, be it VBS or he himself who had paused it.
TEST_F(ProgramTest, AVmThatWasLetRunWasNotHeld) {
  start_vm("vm1");
  start();
  unsigned number = 0;
  for (const bool paused_before : {false, true}) {
    const Uuid id = test_id(++number);
    if (paused_before) {
      ASSERT_TRUE(connect("vm1")->execute("stop"));
    }
    EXPECT_EQ(freeze_state(freeze(id, 60'000)), "frozen");
    ASSERT_TRUE(connect("vm1")->execute("cont"));
    EXPECT_EQ(freeze_state(ask(Method::del, "/v1/freezes/" + id.str())), "expired");
    EXPECT_EQ(state("vm1"), "running");
  }
}

TEST_F(ProgramTest, TheLeaseEndsWithoutTheDelegate) {
  start_vm("vm1");
  start();
  ASSERT_EQ(freeze_state(freeze(test_id(1), 2'000)), "frozen");
  daemon.kill();
  EXPECT_TRUE(test::eventually([&] { return state("vm1") == "running"; }));
  start();
  EXPECT_EQ(freeze_state(ask(Method::del, "/v1/freezes/" + test_id(1).str())), "expired");
}

// Wherever the delegate dies in the middle of a freeze or a thaw, the VM runs again within the
// lease, and the next delegate knows how it ended.
TEST_F(ProgramTest, NoDeathLeavesAVmFrozen) {
  const char* points[] = {
      "vmmd.freeze.before-record", "vmmd.freeze.after-record",  "vmmd.freeze.after-arm",
      "vmmd.freeze.after-files",   "vmmd.freeze.before-stop",   "vmmd.freeze.after-stop",
      "vmmd.freeze.before-reply",  "vmmd.thaw.before-decision", "vmmd.thaw.after-decision",
      "vmmd.thaw.between",         "vmmd.thaw.before-done",     "vmmd.thaw.before-reply"};
  start_vm("vm1");
  unsigned number = 0;
  for (const char* point : points) {
    const Uuid id = test_id(++number);
    const std::string path = "/v1/freezes/" + id.str();
    start(std::string(point) + "=kill");
    const auto frozen = freeze(id, 1'500);
    const auto thawed = ask(Method::del, path);
    ASSERT_TRUE(test::eventually([&] { return daemon.ended(); })) << point << " was not passed";
    EXPECT_EQ(daemon.wait(), 128 + SIGKILL);
    EXPECT_FALSE(frozen && thawed) << point;
    start();
    EXPECT_TRUE(test::eventually([&] { return state("vm1") == "running"; })) << point;
    const auto told = ask(Method::del, path);
    ASSERT_TRUE(told) << point;
    EXPECT_TRUE(told->status == 204 || freeze_state(told) != "frozen") << point;
    EXPECT_EQ(state("vm1"), "running") << point;
    daemon.kill();
  }
}

// The delegate stands still until the lease is over and then goes on; in the last case it dies as
// soon as it has stopped the VM.
TEST_F(ProgramTest, ADelegateThatStallsDoesNotHoldAVmAfterItsLease) {
  const char* faults[] = {"vmmd.freeze.after-files=stop", "vmmd.freeze.before-stop=stop",
                          "vmmd.freeze.after-stop=stop",
                          "vmmd.freeze.before-stop=stop;vmmd.freeze.after-stop=kill"};
  start_vm("vm1");
  unsigned number = 0;
  for (const std::string fault : faults) {
    SCOPED_TRACE(fault);
    const Uuid id = test_id(++number);
    start(fault);
    auto frozen = std::async(std::launch::async, [&] { return freeze(id, 1'000); });
    const std::string ended = dir.path("state/freezes/" + id.str() + ".expired");
    ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(ended); }));
    EXPECT_TRUE(test::eventually([&] { return state("vm1") == "running"; }));
    daemon.signal(SIGCONT);
    const auto answer = frozen.get();
    if (fault.ends_with("kill")) {
      EXPECT_FALSE(answer);
      EXPECT_EQ(daemon.wait(), 128 + SIGKILL);
    } else {
      EXPECT_EQ(freeze_state(answer), "expired");
    }
    EXPECT_TRUE(test::eventually([&] { return helper_of(id) == 0; }));
    EXPECT_EQ(state("vm1"), "running");
    EXPECT_TRUE(std::filesystem::exists(ended + "-done"));
  }
}

// The lease helper dies too: then the delegate itself ends the freeze.
TEST_F(ProgramTest, ADelegateLooksAfterItsLeaseHelpers) {
  start_vm("vm1");
  start();
  ASSERT_EQ(freeze_state(freeze(test_id(1), 60'000)), "frozen");
  const pid_t helper = helper_of(test_id(1));
  ASSERT_GT(helper, 0);
  ASSERT_EQ(::kill(helper, SIGKILL), 0);
  EXPECT_TRUE(test::eventually([&] { return state("vm1") == "running"; }));
  EXPECT_EQ(freeze_state(ask(Method::del, "/v1/freezes/" + test_id(1).str())), "expired");
}

}  // namespace
}  // namespace vbs::vmm_delegate
