#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <fstream>

#include "child.h"
#include "common/file.h"
#include "common/process.h"
#include "process_support.h"
#include "support.h"

namespace vbs::process {
namespace {

using testing::HasSubstr;

/// Kills the program it was given, so that no test leaves one running.
class Detached {
 public:
  explicit Detached(int pid) : pid_(pid) {}
  ~Detached() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
  }
  Detached(const Detached&) = delete;
  Detached& operator=(const Detached&) = delete;
  int pid() const { return pid_; }

 private:
  int pid_;
};

class DetachedTest : public testing::Test {
 protected:
  int start(const std::string& script) {
    const auto pid = start_detached(shell(script), log());
    EXPECT_TRUE(pid) << describe(pid.error());
    return pid.value_or(-1);
  }

  std::string log() const { return dir_.path("log"); }

  // Waits for the program's last line.
  std::string said(const std::string& last) {
    EXPECT_TRUE(test::eventually([&] { return test::slurp(log()).ends_with(last + "\n"); }))
        << test::slurp(log());
    return test::slurp(log());
  }

  const test::TempDir dir_;
};

TEST_F(DetachedTest, ItIsNotOurChildAndHasItsOwnSession) {
  const Detached program(start("echo up; exec sleep 1000"));
  said("up");
  EXPECT_EQ(::waitpid(program.pid(), nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  const auto fields = test::stat_fields(program.pid());
  ASSERT_GT(fields.size(), 4U);
  EXPECT_NE(fields[1], std::to_string(::getpid()));     // parent
  EXPECT_EQ(fields[2], std::to_string(program.pid()));  // group
  EXPECT_EQ(fields[3], std::to_string(program.pid()));  // session
}

TEST_F(DetachedTest, WhenItEndsItIsNotOurZombie) {
  const Detached program(start("echo $$; exec sleep 1000"));
  said(std::to_string(program.pid()));
  ASSERT_TRUE(test::is_running(program.pid()));
  ::kill(program.pid(), SIGKILL);
  EXPECT_TRUE(test::eventually([&] { return !test::is_running(program.pid()); }));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(DetachedTest, ItOutlivesWhoStartedIt) {
  const int status = test::run_in_child([&] {
    const auto pid = start_detached(shell("echo up; exec sleep 1000"), log());
    std::ofstream(dir_.path("pid")) << pid.value_or(-1);
    return pid ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
  const Detached program(std::stoi(test::slurp(dir_.path("pid"))));
  said("up");
  EXPECT_TRUE(test::is_running(program.pid()));
}

TEST_F(DetachedTest, OutputIsAppendedToTheLog) {
  std::ofstream(log()) << "before\n";
  const Detached program(start("echo out; echo err >&2; echo end; exec sleep 1000"));
  EXPECT_EQ(said("end"), "before\nout\nerr\nend\n");
}

TEST_F(DetachedTest, NothingButTheStreamsReachesIt) {
  const FileDescriptor inherited(::open("/dev/null", O_RDONLY));
  ASSERT_TRUE(inherited);
  const Detached program(
      start("readlink /proc/self/fd/0; ls /proc/self/fd; env; echo end; exec sleep 1000"));
  EXPECT_EQ(said("end"), "/dev/null\n0\n1\n2\n3\nLC_ALL=C\nPWD=" +
                             std::filesystem::current_path().string() + "\nend\n");
}

TEST_F(DetachedTest, FailuresToStartAreErrors) {
  Command command;
  command.argv = {"/nonexistent/daemon"};
  const auto missing = start_detached(command, log());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "cannot start /nonexistent/daemon: No such file or directory");

  const auto no_log = start_detached(shell("exit 0"), "/nonexistent/log");
  ASSERT_FALSE(no_log);
  EXPECT_THAT(no_log.error().message, HasSubstr("/nonexistent/log: No such file"));

  command = shell("exit 0");
  command.input = "secret";
  const auto with_input = start_detached(command, log());
  ASSERT_FALSE(with_input);
  EXPECT_THAT(with_input.error().message, HasSubstr("takes no input"));
}

}  // namespace
}  // namespace vbs::process
