#include "vmm_delegate/initiator/iscsiadm.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <sstream>

#include "common/log.h"
#include "common/text.h"

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kLeastRun{1'000};
constexpr Milliseconds kKillGrace{500};
constexpr std::size_t kOutputLimit = 1 << 20;

/// Exit codes of iscsiadm (open-iscsi 2.1.8, include/iscsi_err.h; iscsiadm(8)).
enum ExitCode {
  kLoginFailed = 5,
  kTransportTimeout = 8,
  kTransportFailed = 4,
  kPduTimeout = 11,
  kSessionNotFound = 2,
  kSessionExists = 15,
  kDaemonTalk = 18,
  kFatalLogin = 19,
  kDaemonAbsent = 20,
  kNothingFound = 21,
  kNoSysfs = 22,
  kLoginRefused = 24,
  kReconnecting = 32,  ///< also of a logout: it is refused while iscsid connects anew
};

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const auto start = text.rfind('\n', end);
  const auto first = start == std::string::npos ? 0 : start + 1;
  return to_utf8(text.substr(first, end - first + 1));
}

ErrorCode code_of(int exit_code) {
  switch (exit_code) {
    case kLoginRefused:
      return ErrorCode::forbidden;
    case kSessionNotFound:
    case kNothingFound:
    case kNoSysfs:
    case kFatalLogin:
      return ErrorCode::not_found;
    case kLoginFailed:
    case kTransportFailed:
    case kTransportTimeout:
    case kPduTimeout:
    case kDaemonTalk:
    case kDaemonAbsent:
    case kReconnecting:
      return ErrorCode::node_unavailable;
    case kSessionExists:
      return ErrorCode::already_exists;
    default:
      return ErrorCode::internal;
  }
}

tl::unexpected<Error> failed(const process::Outcome& outcome) {
  if (outcome.exit_code == kDaemonAbsent || outcome.exit_code == kDaemonTalk) {
    return fail(ErrorCode::node_unavailable,
                "iscsid does not answer; start it with `systemctl start iscsid.socket`");
  }
  return fail(
      code_of(outcome.exit_code),
      "iscsiadm exited with " + std::to_string(outcome.exit_code) + ": " + last_line(outcome.err));
}

Milliseconds left_until(MonotonicTime deadline) {
  return std::chrono::ceil<Milliseconds>(deadline - SystemClock().monotonic());
}

}  // namespace

std::vector<DiscoveredTarget> parse_discovery(const std::string& output) {
  std::vector<DiscoveredTarget> targets;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const auto comma = line.find(',');
    const auto blank = line.find(' ', comma == std::string::npos ? 0 : comma);
    if (comma == std::string::npos || blank == std::string::npos) continue;
    const auto portal = split_portal(line.substr(0, comma));
    DiscoveredTarget target;
    const char* end = line.data() + blank;
    const auto parsed = std::from_chars(line.data() + comma + 1, end, target.portal_group);
    if (!portal || parsed.ec != std::errc() || parsed.ptr != end) continue;
    target.portal = *portal;
    target.iqn = line.substr(blank + 1);
    targets.push_back(std::move(target));
  }
  return targets;
}

void Iscsiadm::remove_stale_lock() const {
  const std::string lock = options_.lock_folder + "/lock.write";
  struct stat status {};
  if (::lstat(lock.c_str(), &status) != 0) return;
  // Taking the lock is making a second link, which sets the time of the inode's last change.
  const std::int64_t age = to_millis(SystemClock().wall()) / 1000 - status.st_ctim.tv_sec;
  if (age < options_.stale_lock.count()) return;
  log::warning("an iscsiadm that was killed has left its lock, which is removed", {{"lock", lock}});
  ::unlink(lock.c_str());
}

Result<process::Outcome> Iscsiadm::run(std::vector<std::string> arguments, MonotonicTime deadline) {
  const std::unique_lock turn(turn_, left_until(deadline) - kLeastRun);
  if (!turn) {
    return fail(ErrorCode::overloaded, "other logins of this host are still under way; try again");
  }
  remove_stale_lock();
  process::Command command;
  command.argv = std::move(arguments);
  command.argv.insert(command.argv.begin(), options_.program);
  command.run_limit = std::max(left_until(deadline) - kKillGrace, kKillGrace);
  command.kill_grace = kKillGrace;
  command.output_limit = kOutputLimit;
  auto outcome = options_.run(command);
  if (!outcome || !outcome->timed_out) return outcome;
  return fail(ErrorCode::timeout, "iscsiadm has not ended after " +
                                      std::to_string(command.run_limit.count()) +
                                      " ms; what became of it is not known");
}

std::vector<std::string> Iscsiadm::login_arguments(const std::string& iqn,
                                                   const PortalAddress& portal,
                                                   std::uint32_t portal_group) const {
  return {"--mode",       "node",
          "--targetname", iqn,
          "--portal",     joined_portal(portal) + "," + std::to_string(portal_group),
          "--interface",  options_.interface,
          "--login"};
}

std::vector<std::string> Iscsiadm::discovery_arguments(const PortalAddress& portal) const {
  return {"--mode",   "discovery",           "--type",      "sendtargets",
          "--portal", joined_portal(portal), "--interface", options_.interface,
          "--op",     "nonpersistent"};
}

Result<void> Iscsiadm::log_in(const std::string& iqn, const PortalAddress& portal,
                              std::uint32_t portal_group, MonotonicTime deadline) {
  const auto outcome = run(login_arguments(iqn, portal, portal_group), deadline);
  if (!outcome) return fail(outcome.error());
  if (outcome->exit_code == 0 || outcome->exit_code == kSessionExists) return {};
  return failed(*outcome);
}

Result<void> Iscsiadm::log_out(std::uint64_t sid, MonotonicTime deadline) {
  const auto outcome =
      run({"--mode", "session", "--sid", std::to_string(sid), "--logout"}, deadline);
  if (!outcome) return fail(outcome.error());
  if (outcome->exit_code == 0) return {};
  return failed(*outcome);
}

Result<std::vector<DiscoveredTarget>> Iscsiadm::discover(const PortalAddress& portal,
                                                         MonotonicTime deadline) {
  const auto outcome = run(discovery_arguments(portal), deadline);
  if (!outcome) return fail(outcome.error());
  if (outcome->exit_code == kNothingFound) return std::vector<DiscoveredTarget>();
  if (outcome->exit_code != 0) return failed(*outcome);
  return parse_discovery(outcome->out);
}

}  // namespace vbs::vmm_delegate
