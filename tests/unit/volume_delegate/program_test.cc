// The real vbs-volumed: starting, stopping, refusing to start.

#include <gtest/gtest.h>

#include "tests/unit/volume_delegate/iscsi_support.h"
#include "tests/unit/volume_delegate/program_support.h"
#include "volume_delegate/target/tgt/tgt_report.h"

namespace vbs::volume_delegate {
namespace {

using testing::eventually;
using testing::id;
using testing::trouble;

class ProgramTest : public testing::ProgramTest {
 protected:
  process::Outcome run_program(std::vector<std::string> arguments) {
    process::Command command;
    command.argv = {program()};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    const auto outcome = process::run(command);
    EXPECT_EQ("", trouble(outcome));
    return outcome.value_or(process::Outcome{});
  }
};

TEST_F(ProgramTest, AnswersVersionHelpAndBadUsage) {
  EXPECT_EQ("vbs-volumed " VBS_VERSION "\n", run_program({"--version"}).out);
  const auto help = run_program({"--help"});
  EXPECT_EQ(0, help.exit_code);
  for (const char* option : {"--config", "--check-config", "--version"}) {
    EXPECT_NE(std::string::npos, help.out.find(option)) << option;
  }
  EXPECT_EQ(2, run_program({"--nonsense"}).exit_code);
}

TEST_F(ProgramTest, ChecksItsConfiguration) {
  EXPECT_EQ(0, run_program({"--config", config(), "--check-config"}).exit_code);
  write_config("colour = 1");
  const auto refused = run_program({"--config", config(), "--check-config"});
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_NE(std::string::npos, refused.err.find("colour"));
}

TEST_F(ProgramTest, ServesOnlyWithTheToken) {
  start_program();
  EXPECT_EQ(200u, get("/v1/node"));
  EXPECT_EQ(401u, ask(http::Method::get, "/v1/node", "", "0123456789abcdeg"));
  EXPECT_EQ(401u, ask(http::Method::get, "/v1/inventory", "", ""));
  EXPECT_EQ(200u, ask(http::Method::get, "/healthz", "", ""));
}

TEST_F(ProgramTest, RefusesATokenThatOthersCanRead) {
  ASSERT_EQ("", trouble(write_file_durably(dir_ / "token", testing::kToken, 0644)));
  const auto refused = run_program({"--config", config()});
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_NE(std::string::npos, refused.err.find("chmod 600"));
}

TEST_F(ProgramTest, OnlyOneWorksWithAStateDirectory) {
  start_program();
  const auto refused = run_program({"--config", config()});
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_NE(std::string::npos, refused.err.find("another vbs-volumed"));
  EXPECT_EQ(200u, get("/healthz"));
}

TEST_F(ProgramTest, TheTargetDaemonOutlivesIt) {
  start_program();
  ASSERT_EQ(200u, put(volume(1), blank())) << body_;
  ASSERT_EQ(200u, put(export_of(7), order(1))) << body_;
  const pid_t daemon = daemon_pid();
  testing::Initiator::Login login;
  login.portal = options_.portal.str();
  login.iqn = "iqn.2026-01.vbs:" + id(7).str();
  auto initiator = testing::Initiator::log_in(login);
  ASSERT_EQ("", trouble(initiator));

  ASSERT_EQ(0, ::kill(pid_, SIGTERM));
  ASSERT_TRUE(ends());
  EXPECT_EQ("", trouble((*initiator)->write(0, std::string(4096, 'x'))));
  start_program();
  EXPECT_EQ(daemon, daemon_pid());
  EXPECT_EQ("", trouble((*initiator)->write(8, std::string(4096, 'y'))));
  EXPECT_EQ(200u, get(export_of(7)));
  EXPECT_NE(std::string::npos, body_.find("\"active\":true")) << body_;
}

TEST_F(ProgramTest, NoticesThatTheDaemonDied) {
  start_program();
  ASSERT_EQ(200u, put(volume(1), blank()));
  ASSERT_EQ(200u, put(export_of(7), order(1)));
  const pid_t first = daemon_pid();
  kill_daemon();
  EXPECT_TRUE(eventually([&] {
    return daemon_pid() != first && get(export_of(7)) == 200 &&
           body_.find("\"active\":true") != std::string::npos;
  })) << body_;
}

TEST_F(ProgramTest, ServesVolumesWhileThePortalIsTaken) {
  {
    auto portal_taker = options_;
    portal_taker.folder = dir_ / "other";
    portal_taker.control_port = 2;
    auto other = TgtDaemon::create(portal_taker);
    ASSERT_EQ("", trouble(other));
    ASSERT_EQ("", trouble((*other)->ensure_running()));
  }
  start_program();
  EXPECT_EQ(200u, get("/v1/node"));
  EXPECT_NE(std::string::npos, body_.find("ss -ltnp")) << body_;
  EXPECT_EQ(200u, put(volume(1), blank()));
  EXPECT_EQ(503u, put(export_of(7), order(1)));
  testing::kill_and_wait(testing::pid_behind(dir_ / "other/control.2"));
  EXPECT_TRUE(eventually([&] { return put(export_of(7), order(1)) == 200; })) << body_;
}

TEST_F(ProgramTest, TheSameOrderSixteenTimesAtOnceIsOneOrder) {
  const std::set<unsigned> ok = {200};
  const std::set<unsigned> gone = {204};
  start_program();
  EXPECT_EQ(ok, ask_sixteen_times(http::Method::put, volume(1), blank()));
  EXPECT_EQ(ok, ask_sixteen_times(http::Method::put, export_of(7), order(1)));
  const auto targets = parse_tgt_targets(TgtControl(socket()).show_targets().value_or("Target"));
  ASSERT_EQ("", trouble(targets));
  EXPECT_EQ(1u, targets->size());
  const std::string removal = export_of(7) + "?generation=3";
  EXPECT_EQ(gone, ask_sixteen_times(http::Method::del, removal));
  EXPECT_EQ(gone, ask_sixteen_times(http::Method::del, volume(1)));
  EXPECT_TRUE(std::filesystem::is_empty(store_ + "/volumes"));
}

TEST_F(ProgramTest, ReopensItsLog) {
  start_program();
  std::filesystem::rename(log(), log() + ".1");
  ASSERT_EQ(0, ::kill(pid_, SIGHUP));
  EXPECT_TRUE(eventually([&] {
    put(volume(1), blank());
    del(volume(1));
    return std::filesystem::exists(log()) && std::filesystem::file_size(log()) > 0;
  }));
}

TEST_F(ProgramTest, StopsInTheMiddleOfACopy) {
  start_program("volumed.copy.before_act=sleep:300");
  ASSERT_EQ(200u, put(volume(1), blank()));
  testing::write_at(image(1), 0, std::string(8 << 20, 'x'));
  ASSERT_EQ(202u, put(snapshot(2), of_volume(1)));
  ASSERT_EQ(0, ::kill(pid_, SIGTERM));
  ASSERT_TRUE(ends());
  EXPECT_TRUE(std::filesystem::is_empty(store_ + "/snapshots"));
}

// One long copy has the only thread; a guest is held still for the other.
TEST_F(ProgramTest, ASnapshotOfAVolumeInUseDoesNotWaitForOtherCopies) {
  write_config("copy_threads = 1");
  start_program("volumed.copy.before_act=sleep:20000");
  for (const unsigned n : {1U, 2U}) ASSERT_EQ(200u, put(volume(n), blank()));
  ASSERT_EQ(200u, put(export_of(7), order(1))) << body_;
  ASSERT_EQ(202u, put(volume(3), clone_of(2)));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the clone takes the thread
  ASSERT_EQ(202u, put(snapshot(4), of_volume(1)));
  EXPECT_TRUE(eventually([&] { return get(snapshot(4)) == 200; }, std::chrono::seconds(10)));
  EXPECT_EQ(202u, get(volume(3))) << "the clone is still at it";
}

TEST_F(ProgramTest, NoSecretIsWhereItDoesNotBelong) {
  start_program();
  ASSERT_EQ(200u, put(volume(1), blank()));
  ASSERT_EQ(200u, put(export_of(7), order(1)));
  ASSERT_EQ(200u, get("/v1/inventory"));
  const std::string inventory = body_;
  ASSERT_EQ(400u, put(export_of(8), "{\"volume\":1,\"chap_secret\":\"secretsecret12\"}"));
  const std::string refusal = body_;
  for (const std::string& text :
       {read_file(log()).value_or(""), read_file(dir_ / "output").value_or(""),
        read_file(options_.folder + "/tgtd.log").value_or(""), inventory, refusal}) {
    EXPECT_EQ(std::string::npos, text.find("secretsecret12"));
    EXPECT_EQ(std::string::npos, text.find(testing::kToken));
  }
}

}  // namespace
}  // namespace vbs::volume_delegate
