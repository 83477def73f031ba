#include "volume_delegate/target/tgt/tgt_daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "common/file.h"
#include "common/log.h"
#include "common/private_folder.h"
#include "common/process.h"
#include "volume_delegate/target/tgt/tgt_report.h"

namespace vbs::volume_delegate {
namespace {

/// It is ready in about 15 ms, and in 10 s on an emulated machine that is busy.
constexpr std::chrono::seconds kStartLimit{20};
constexpr Milliseconds kStartPoll{10};

std::string socket_base(const TgtOptions& options) {
  return options.folder + "/control";
}
std::string log_file(const TgtOptions& options) {
  return options.folder + "/tgtd.log";
}

constexpr off_t kMaxLog = 16 << 20;

/// tgtd writes a line for each connection that ends, also of whoever has not logged in, and only
/// ever appends.
void bound_log(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || status.st_size <= kMaxLog) return;
  if (::truncate(path.c_str(), 0) == 0) {
    log::warning("emptied tgtd's log", {{"file", path}, {"bytes", std::int64_t{status.st_size}}});
  }
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// The next one ends the session (iSCSI's NOP-In, RFC 7143, section 11.19).
constexpr int kUnansweredNops = 3;

/// tgtd holds a lock on this file for as long as it runs (usr/mgmt.c, ipc_init).
bool lock_is_free(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return false;  // never made, or somebody has deleted it
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

}  // namespace

std::vector<std::string> tgtd_arguments(const TgtOptions& options) {
  return {"-f",
          "-C",
          std::to_string(options.control_port),
          "-t",
          std::to_string(options.threads),
          "--iscsi",
          "portal=" + options.portal.str() +
              ",nop_interval=" + std::to_string(options.nop_interval.count()) +
              ",nop_count=" + std::to_string(kUnansweredNops)};
}

TgtDaemon::TgtDaemon(TgtOptions options, std::string program, TgtControl control)
    : options_(std::move(options)), program_(std::move(program)), control_(std::move(control)) {}

Result<std::unique_ptr<TgtDaemon>> TgtDaemon::create(const TgtOptions& options) {
  auto program = process::find_program("tgtd", "tgt");
  if (!program) return fail(program.error());
  auto socket = TgtControl::socket_path(socket_base(options), options.control_port);
  if (!socket) return fail(socket.error());
  if (auto made = make_private_folder(options.folder); !made) return fail(made.error());
  return std::unique_ptr<TgtDaemon>(new TgtDaemon(options, *program, TgtControl(*socket)));
}

Result<DaemonState> TgtDaemon::ensure_running() {
  std::lock_guard guard(mutex_);
  bound_log(log_file(options_));
  auto report = control_.show_portals();
  if (!report) {
    const bool absent = report.error().code == ErrorCode::node_unavailable;
    return absent ? start() : fail(report.error());
  }
  if (auto ours = check_portals(*report); !ours) return fail(ours.error());
  return DaemonState::found;
}

bool TgtDaemon::surely_stopped() {
  std::lock_guard guard(mutex_);
  auto report = control_.show_portals();
  if (report || report.error().code != ErrorCode::node_unavailable) return false;
  return lock_is_free(control_.socket() + ".lock") ||
         check_portal_is_free(options_.portal).has_value();
}

Result<void> TgtDaemon::check_portals(const std::string& report) const {
  auto portals = parse_tgt_portals(report);
  if (!portals) return fail(portals.error());
  const std::string wanted = options_.portal.str();
  if (std::find(portals->begin(), portals->end(), wanted) != portals->end()) return {};
  return fail(ErrorCode::node_unavailable,
              "the tgtd on " + control_.socket() + " listens on " + joined(*portals) +
                  " and not on the configured portal " + wanted +
                  ". Configure the portal it has, or end it with SIGKILL (it ignores SIGTERM) once "
                  "no virtual machine uses it");
}

Result<DaemonState> TgtDaemon::start() {
  // tgtd only logs that a portal is busy, and then listens on port 3260 of every address.
  if (auto is_free = check_portal_is_free(options_.portal); !is_free) return fail(is_free.error());
  process::Command command;
  command.argv = tgtd_arguments(options_);
  command.argv.insert(command.argv.begin(), program_);
  command.environment["TGT_IPC_SOCKET"] = socket_base(options_);
  auto pid = process::start_detached(command, log_file(options_));
  if (!pid) return fail(pid.error());
  auto started = await_start(*pid);
  if (!started) {
    ::kill(*pid, SIGKILL);  // started a moment ago and without a target: nobody misses it
    return fail(started.error());
  }
  log::info("started tgtd", {{"pid", std::int64_t{*pid}}, {"portal", options_.portal.str()}});
  return DaemonState::started;
}

Result<void> TgtDaemon::await_start(int pid) {
  const auto deadline = std::chrono::steady_clock::now() + kStartLimit;
  for (;;) {
    auto report = control_.show_portals();
    if (report) return check_portals(*report);
    const ErrorCode code = report.error().code;
    const bool early = code == ErrorCode::node_unavailable || code == ErrorCode::timeout;
    if (!early) return fail(report.error());
    if (::kill(pid, 0) != 0) {
      return fail(ErrorCode::node_unavailable,
                  "tgtd ended as soon as it was started; see " + log_file(options_));
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorCode::node_unavailable,
                  "tgtd was started and opened no control socket; see " + log_file(options_));
    }
    std::this_thread::sleep_for(kStartPoll);
  }
}

}  // namespace vbs::volume_delegate
