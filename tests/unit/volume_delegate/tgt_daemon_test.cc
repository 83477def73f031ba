#include "volume_delegate/target/tgt/tgt_daemon.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/unit/volume_delegate/tgt_support.h"
#include "volume_delegate/target/tgt/tgt_report.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::trouble;

class TgtDaemonTest : public testing::TgtTest {
 protected:
  std::unique_ptr<TgtDaemon> make() {
    auto daemon = TgtDaemon::create(options_);
    EXPECT_EQ("", trouble(daemon));
    return std::move(*daemon);
  }
  static Result<DaemonState> look(TgtDaemon& daemon) { return daemon.ensure_running(); }

  /// Another program that listens on the portal.
  FileDescriptor occupy_portal() const {
    FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.portal.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // The kernel may have given the port to a connection of another test meanwhile.
    EXPECT_TRUE(testing::eventually([&] {
      return ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    }));
    EXPECT_EQ(0, ::listen(fd.get(), 1));
    return fd;
  }
};

TEST_F(TgtDaemonTest, StartsOnceAndIsFoundAgain) {
  {
    auto daemon = make();
    EXPECT_EQ(DaemonState::started, look(*daemon));
    EXPECT_EQ(DaemonState::found, look(*daemon));
  }
  const pid_t pid = daemon_pid();
  ASSERT_GT(pid, 0) << "it must outlive the object that started it";
  auto next = make();
  EXPECT_EQ(DaemonState::found, look(*next));
  EXPECT_EQ(pid, daemon_pid());
}

TEST_F(TgtDaemonTest, ItsLogHasAnEnd) {
  auto daemon = make();
  ASSERT_EQ("", trouble(look(*daemon)));
  const std::string log = options_.folder + "/tgtd.log";
  ASSERT_EQ(0, ::truncate(log.c_str(), 15 << 20));
  ASSERT_EQ("", trouble(look(*daemon)));
  EXPECT_GE(std::filesystem::file_size(log), 15u << 20);
  ASSERT_EQ(0, ::truncate(log.c_str(), 17 << 20));
  ASSERT_EQ("", trouble(look(*daemon)));
  EXPECT_LT(std::filesystem::file_size(log), 1u << 20);
}

TEST_F(TgtDaemonTest, ListensWhereItIsToldAndNowhereElse) {
  auto daemon = make();
  ASSERT_EQ("", trouble(look(*daemon)));
  const auto portals = parse_tgt_portals(daemon->control().show_portals().value_or(""));
  ASSERT_TRUE(portals);
  EXPECT_EQ(std::vector<std::string>{options_.portal.str()}, *portals);
}

// Whoever stops the service, and all that belongs to it, with SIGTERM leaves tgtd running.
TEST_F(TgtDaemonTest, IsFoundAgainAfterSigterm) {
  auto daemon = make();
  ASSERT_EQ("", trouble(look(*daemon)));
  const pid_t pid = daemon_pid();
  ASSERT_EQ(0, ::kill(pid, SIGTERM));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  auto next = make();
  EXPECT_EQ(DaemonState::found, look(*next));
  EXPECT_EQ(pid, daemon_pid());
}

TEST_F(TgtDaemonTest, StartsAgainAfterSigkill) {
  auto daemon = make();
  ASSERT_EQ("", trouble(look(*daemon)));
  const pid_t first = daemon_pid();
  kill_daemon();
  EXPECT_EQ(DaemonState::started, look(*daemon));
  EXPECT_NE(first, daemon_pid());
}

TEST_F(TgtDaemonTest, NamesAPortalThatIsTakenAndRecovers) {
  auto daemon = make();
  {
    const FileDescriptor other = occupy_portal();
    const auto refused = look(*daemon);
    EXPECT_TRUE(failed_with(refused, ErrorCode::node_unavailable, "ss -ltnp"));
    EXPECT_TRUE(failed_with(refused, ErrorCode::node_unavailable,
                            "port " + std::to_string(options_.portal.port)));
    EXPECT_EQ(0, daemon_pid()) << "tgtd would listen on port 3260 of every address";
    EXPECT_FALSE(daemon->surely_stopped()) << "somebody serves something there";
  }
  EXPECT_TRUE(daemon->surely_stopped());
  EXPECT_EQ(DaemonState::started, look(*daemon));
  EXPECT_FALSE(daemon->surely_stopped());
}

TEST_F(TgtDaemonTest, RefusesADaemonWithAnotherPortal) {
  auto daemon = make();
  ASSERT_EQ("", trouble(look(*daemon)));
  const pid_t pid = daemon_pid();
  const std::string had = options_.portal.str();
  options_.portal.port = testing::free_port();
  auto other = make();
  const auto refused = look(*other);
  EXPECT_TRUE(failed_with(refused, ErrorCode::node_unavailable, had));
  EXPECT_TRUE(failed_with(refused, ErrorCode::node_unavailable, options_.portal.str()));
  EXPECT_EQ(pid, daemon_pid()) << "it may be serving somebody";
}

TEST_F(TgtDaemonTest, ADaemonThatLostItsSocketFileIsNotTakenForStopped) {
  auto daemon = make();
  ASSERT_EQ("", trouble(look(*daemon)));
  const pid_t pid = daemon_pid();
  ASSERT_EQ(0, ::unlink(socket().c_str()));
  EXPECT_FALSE(daemon->surely_stopped());
  EXPECT_TRUE(failed_with(look(*daemon), ErrorCode::node_unavailable, "taken"));
  testing::kill_and_wait(pid);
  EXPECT_TRUE(daemon->surely_stopped());
}

TEST_F(TgtDaemonTest, IsStoppedAlsoWhereAnotherProgramHasThePortalSince) {
  auto daemon = make();
  ASSERT_EQ("", trouble(look(*daemon)));
  EXPECT_FALSE(daemon->surely_stopped());
  kill_daemon();
  const FileDescriptor other = occupy_portal();
  EXPECT_TRUE(daemon->surely_stopped());
}

TEST_F(TgtDaemonTest, LeavesADaemonThatHangsAlone) {
  auto daemon = make();
  ASSERT_EQ("", trouble(look(*daemon)));
  const pid_t pid = daemon_pid();
  ASSERT_EQ(0, ::kill(pid, SIGSTOP));
  EXPECT_TRUE(failed_with(look(*daemon), ErrorCode::timeout, "does not answer"));
  EXPECT_FALSE(daemon->surely_stopped());
  ASSERT_EQ(0, ::kill(pid, SIGCONT));
  EXPECT_EQ(DaemonState::found, look(*daemon));
  EXPECT_EQ(pid, daemon_pid());
}

TEST_F(TgtDaemonTest, RefusesAFolderTooDeepForASocket) {
  options_.folder = dir_ / std::string(90, 'x');
  EXPECT_TRUE(
      failed_with(TgtDaemon::create(options_), ErrorCode::invalid_field, "shorter state_dir"));
}

TEST_F(TgtDaemonTest, KeepsItsFolderToItself) {
  auto daemon = make();
  const auto mode = std::filesystem::status(options_.folder).permissions();
  EXPECT_EQ(std::filesystem::perms::owner_all, mode);
}

}  // namespace
}  // namespace vbs::volume_delegate
