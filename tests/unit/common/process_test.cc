#include "common/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "child.h"
#include "common/file.h"
#include "process_support.h"
#include "support.h"

namespace vbs::process {
namespace {

using testing::HasSubstr;

TEST(Process, OutputAndExitCode) {
  const Outcome outcome = ran(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out, "out\n");
  EXPECT_EQ(outcome.err, "err\n");
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_FALSE(outcome.truncated);
}

TEST(Process, ASignalIsShownAsTheShellDoes) {
  const Outcome outcome = ran(shell("kill -SEGV $$"));
  EXPECT_EQ(outcome.exit_code, 128 + SIGSEGV);
  EXPECT_FALSE(outcome.timed_out);
}

TEST(Process, ArgumentsArriveUntouched) {
  Command command;
  command.argv = {"/usr/bin/printf", "[%s]", "a b", "$HOME", "*", "", "'\"\\;", "a\nb"};
  EXPECT_EQ(ran(command).out, "[a b][$HOME][*][]['\"\\;][a\nb]");
}

TEST(Process, StandardInput) {
  Command command;
  command.argv = {"/bin/cat"};
  EXPECT_EQ(ran(command).out, "");
  command.input = std::string("a\0b", 3) + std::string(300'000, 'x');
  EXPECT_EQ(ran(command).out, command.input);
}

TEST(Process, InputThatNobodyReadsIsHarmless) {
  Command command;
  command.argv = {"/bin/true"};
  command.input = std::string(1'000'000, 'x');
  EXPECT_EQ(ran(command).exit_code, 0);
}

TEST(Process, TheEnvironmentIsFixed) {
  ::setenv("VBS_TEST_LEAK", "x", 1);
  Command command;
  command.argv = {"/usr/bin/env"};
  EXPECT_EQ(ran(command).out, "LC_ALL=C\n");
  command.environment = {{"A", "1"}, {"B", "two words"}};
  EXPECT_EQ(ran(command).out, "LC_ALL=C\nA=1\nB=two words\n");
  ::unsetenv("VBS_TEST_LEAK");
}

TEST(Process, NoOtherDescriptorReachesTheChild) {
  const FileDescriptor inherited(::open("/dev/null", O_RDONLY));
  const FileDescriptor high(::fcntl(inherited.get(), F_DUPFD, 200));
  ASSERT_TRUE(high);
  Command command;
  command.argv = {"/bin/ls", "/proc/self/fd"};
  EXPECT_EQ(ran(command).out, "0\n1\n2\n3\n");  // 3 is the directory that ls reads
}

TEST(Process, SignalsAreReset) {
  const int status = test::run_in_child([] {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGINT, SIG_IGN);
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::sigaddset(&blocked, SIGCHLD);
    ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    Command command;
    command.argv = {"/bin/sed", "-n", "s/^Sig\\(Blk\\|Ign\\):\t//p", "/proc/self/status"};
    const auto outcome = run(command);
    if (!outcome || outcome->out.size() != 34) return 1;
    // glibc leaves the two signals ignored that it uses itself, 32 and 33.
    constexpr unsigned long kStandardSignals = 0x7FFF'FFFF;
    const unsigned long blocked_in_child = std::stoul(outcome->out.substr(0, 16), nullptr, 16);
    const unsigned long ignored_in_child = std::stoul(outcome->out.substr(17, 16), nullptr, 16);
    return blocked_in_child == 0 && (ignored_in_child & kStandardSignals) == 0 ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST(Process, ItLeadsAGroupOfItsOwn) {
  Command command;
  command.argv = {"/bin/sh", "-c",
                  "read -r pid comm state parent group rest < /proc/self/stat; "
                  "echo $pid $group"};
  const std::string out = ran(command).out;
  const auto space = out.find(' ');
  ASSERT_NE(space, std::string::npos);
  EXPECT_EQ(out, out.substr(0, space) + " " + out.substr(0, space) + "\n");
  EXPECT_NE(out.substr(0, space), std::to_string(::getpgrp()));
}

TEST(Process, WorksWhenTheStandardDescriptorsAreClosed) {
  const int status = test::run_in_child([] {
    for (int fd = 0; fd <= 2; ++fd) ::close(fd);
    Command command = shell("cat; echo err >&2");
    command.input = "in";
    const auto outcome = run(command);
    return outcome && outcome->out == "in" && outcome->err == "err\n" ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(Process, FailuresToStartAreErrors) {
  const test::TempDir dir;
  std::ofstream(dir.path("data")) << "no program";
  struct Case {
    std::vector<std::string> argv;
    const char* message;
  };
  const Case cases[] = {
      {{}, "cannot start : the program must be given by its absolute path"},
      {{"ls"}, "cannot start ls: the program must be given by its absolute path"},
      {{"./ls"}, "absolute path"},
      {{"/nonexistent/tool", "x"}, "cannot start /nonexistent/tool: No such file or directory"},
      {{dir.path("data")}, "Permission denied"},
      {{"/bin"}, "Permission denied"},
      {{"/bin/echo", std::string("a\0b", 3)}, "an argument holds a NUL byte"},
  };
  for (const Case& c : cases) {
    const auto outcome = run(Command{c.argv, {}, "", Milliseconds(1000), Milliseconds(1000), 10});
    ASSERT_FALSE(outcome) << c.message;
    EXPECT_THAT(outcome.error().message, HasSubstr(c.message));
  }
}

TEST(Process, AFileOfNoKnownFormatIsNotHandedToAShell) {
  const test::TempDir dir;
  const std::string path = dir.path("script");
  std::ofstream(path) << "echo interpreted\n";
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  Command command;
  command.argv = {path};
  EXPECT_THAT(run(command).error().message, HasSubstr("Exec format error"));
}

TEST(Process, NoDescriptorIsLeftBehind) {
  const auto open_descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  const auto before = open_descriptors();
  for (int i = 0; i < 5; ++i) ran(shell("echo x"));
  Command missing;
  missing.argv = {"/nonexistent/tool"};
  EXPECT_FALSE(run(missing));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Process, FindProgram) {
  const auto found = find_program("ls", "coreutils");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->front(), '/');
  EXPECT_TRUE(found->ends_with("/ls"));
  const auto missing = find_program("vbs-no-such-tool", "tgt");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().message,
            "the program vbs-no-such-tool is not installed; it comes with the Debian package tgt");
}

}  // namespace
}  // namespace vbs::process
