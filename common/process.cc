#include "common/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/process_spawn.h"
#include "common/process_wait.h"

extern "C" {
#include <sys/pidfd.h>
}

namespace vbs::process {
namespace {

constexpr std::string_view kProgramDirectories[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
constexpr mode_t kLogMode = 0640;

tl::unexpected<Error> not_started(const Command& command, std::string_view why) {
  const std::string program = command.argv.empty() ? "" : command.argv[0];
  return fail(ErrorCode::internal, "cannot start " + program + ": " + std::string(why));
}

Result<void> check(const Command& command) {
  if (command.argv.empty() || !command.argv[0].starts_with('/')) {
    return not_started(command, "the program must be given by its absolute path");
  }
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (std::any_of(command.argv.begin(), command.argv.end(), has_nul)) {
    return not_started(command, "an argument holds a NUL byte");
  }
  return {};
}

// Keeps the numbers 0 to 2 free for the child's own streams, also where this process closed them.
FileDescriptor above_standard(int fd) {
  FileDescriptor original(fd);
  if (!original || fd > STDERR_FILENO) return original;
  return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

// Standard input as a file in memory: nobody has to feed it while the child runs, and a child that
// does not read it raises no SIGPIPE.
Result<FileDescriptor> input_file(const Command& command) {
  if (command.input.empty()) {
    FileDescriptor null = above_standard(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null) return not_started(command, "/dev/null: " + errno_text(errno));
    return null;
  }
  FileDescriptor file = above_standard(::memfd_create("vbs-input", MFD_CLOEXEC));
  const auto size = static_cast<ssize_t>(command.input.size());
  if (!file || ::write(file.get(), command.input.data(), command.input.size()) != size ||
      ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return not_started(command, "its input: " + errno_text(errno));
  }
  return file;
}

struct Pipe {
  FileDescriptor reader;  ///< does not block
  FileDescriptor writer;
};

Result<Pipe> make_pipe(const Command& command) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return not_started(command, errno_text(errno));
  Pipe pipe{above_standard(ends[0]), above_standard(ends[1])};
  if (!pipe.reader || !pipe.writer || ::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) != 0) {
    return not_started(command, errno_text(errno));
  }
  return pipe;
}

/// What the short-lived process between us and a detached program reports.
struct DetachReport {
  int error = 0;  ///< errno of the start
  pid_t pid = -1;
};

// Runs in the forked copy of a process with many threads: nothing here may allocate or lock.
[[noreturn]] void detach_in_child(SpawnPlan& plan, int report_fd) {
  DetachReport report;
  report.error = plan.spawn(&report.pid);
  const bool told = ::write(report_fd, &report, sizeof(report)) == sizeof(report);
  ::_exit(told ? 0 : 1);
}

Result<DetachReport> read_report(const Command& command, int fd, pid_t intermediate) {
  DetachReport report;
  ssize_t got = -1;
  do {
    got = ::read(fd, &report, sizeof(report));
  } while (got < 0 && errno == EINTR);
  while (::waitpid(intermediate, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (got != sizeof(report)) return not_started(command, "the process in between died");
  return report;
}

}  // namespace

Result<Outcome> run(const Command& command) {
  if (auto usable = check(command); !usable) return fail(usable.error());
  auto input = input_file(command);
  if (!input) return fail(input.error());
  auto out = make_pipe(command);
  if (!out) return fail(out.error());
  auto err = make_pipe(command);
  if (!err) return fail(err.error());

  SpawnPlan plan(command, SpawnPlan::Group::own_group,
                 {input->get(), out->writer.get(), err->writer.get()});
  Child child;
  if (const int error = plan.spawn(&child.pid); error != 0) {
    return not_started(command, errno_text(error));
  }
  child.pidfd = FileDescriptor(::pidfd_open(child.pid, 0));
  const int pidfd_error = errno;
  if (!child.pidfd) {
    ::kill(-child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    return not_started(command, "pidfd_open: " + errno_text(pidfd_error));
  }
  out->writer.reset();
  err->writer.reset();
  child.out = std::move(out->reader);
  child.err = std::move(err->reader);
  return wait_for(std::move(child), command);
}

Result<int> start_detached(const Command& command, const std::string& log_file) {
  if (auto usable = check(command); !usable) return fail(usable.error());
  if (!command.input.empty()) return not_started(command, "a detached program takes no input");
  auto input = input_file(command);
  if (!input) return fail(input.error());
  const FileDescriptor log =
      above_standard(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kLogMode));
  if (!log) return not_started(command, log_file + ": " + errno_text(errno));
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return not_started(command, errno_text(errno));
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);

  SpawnPlan plan(command, SpawnPlan::Group::own_session, {input->get(), log.get(), log.get()});
  const pid_t intermediate = ::fork();
  if (intermediate < 0) return not_started(command, errno_text(errno));
  if (intermediate == 0) detach_in_child(plan, writer.get());
  writer.reset();
  const auto report = read_report(command, reader.get(), intermediate);
  if (!report) return fail(report.error());
  if (report->error != 0) return not_started(command, errno_text(report->error));
  return report->pid;
}

Result<std::string> find_program(const std::string& name, const std::string& package) {
  for (const std::string_view directory : kProgramDirectories) {
    std::string path = std::string(directory) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return fail(
      ErrorCode::not_found,
      "the program " + name + " is not installed; it comes with the Debian package " + package);
}

}  // namespace vbs::process
