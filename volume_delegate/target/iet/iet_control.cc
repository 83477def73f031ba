#include "volume_delegate/target/iet/iet_control.h"

#include <sys/stat.h>

#include <cerrno>
#include <sstream>
#include <utility>

#include "common/file.h"
#include "common/process.h"
#include "common/units.h"
#include "volume_delegate/target/iet/iet_commands.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::size_t kMaxReport = 64 * kMiB;
constexpr Milliseconds kLimit{10'000};

/// usr/ietadm.h; the kernel shows the zeros before and after it as '@'.
const std::string kSocket = "@IET_ABSTRACT_NAMESPACE";
/// __SO_ACCEPTCON, in /proc/net/unix (Linux, net/unix/af_unix.c, unix_seq_show).
const std::string kListens = "00010000";

/// What an exit code means.
ErrorCode code_of(int exit_code) {
  const auto is = [exit_code](int number) { return exit_code == ((256 - number) & 0xff); };
  if (is(ECONNREFUSED)) return ErrorCode::node_unavailable;
  if (is(EBUSY)) return ErrorCode::conflict;
  if (is(ENOENT)) return ErrorCode::not_found;
  if (is(EEXIST) || is(EINVAL)) return ErrorCode::already_exists;
  return ErrorCode::internal;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

Result<void> IetControl::act(const char* what, std::vector<std::string> arguments) {
  process::Command command;
  command.argv = {program_};
  command.argv.insert(command.argv.end(), std::make_move_iterator(arguments.begin()),
                      std::make_move_iterator(arguments.end()));
  command.run_limit = kLimit;
  const auto ended = process::run(command);
  if (!ended) return fail(ended.error());
  if (ended->timed_out) {
    return fail(ErrorCode::timeout, "ietadm did not " + std::string(what) + " in time");
  }
  if (ended->exit_code == 0) return {};
  return fail(code_of(ended->exit_code), "ietadm did not " + std::string(what) + ": exit code " +
                                             std::to_string(ended->exit_code) + ", " +
                                             first_line(ended->err));
}

Result<unsigned> IetControl::version() {
  process::Command command;
  command.argv = {program_, "--version"};
  command.run_limit = kLimit;
  const auto ended = process::run(command);
  if (!ended) return fail(ended.error());
  return parse_iet_version(ended->out);
}

Result<std::string> IetControl::daemon() const {
  const auto table = read_file(proc_.substr(0, proc_.rfind('/')) + "/unix", kMaxReport);
  if (!table) return fail(table.error());
  std::istringstream lines(*table);
  for (std::string line; std::getline(lines, line);) {
    std::string number, references, protocol, flags, type, state, inode, name;
    std::istringstream words(line);
    words >> number >> references >> protocol >> flags >> type >> state >> inode >> name;
    if (name.starts_with(kSocket) && flags == kListens) return inode;
  }
  return fail(ErrorCode::node_unavailable, "ietd does not run; start its service");
}

bool IetControl::surely_absent() const {
  struct stat status {};
  return ::stat((proc_ + "/volume").c_str(), &status) != 0 && errno == ENOENT;
}

Result<std::string> IetControl::report(const char* name) const {
  auto text = read_file(proc_ + "/" + name, kMaxReport);
  if (!text && text.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::node_unavailable,
                "there is no " + proc_ + "/" + name + "; is the kernel module iscsi_trgt loaded?");
  }
  return text;
}

Result<std::vector<IetTarget>> IetControl::targets() const {
  auto text = report("volume");
  if (!text) return fail(text.error());
  return parse_iet_volumes(*text);
}

Result<std::vector<IetSession>> IetControl::sessions() const {
  auto text = report("session");
  if (!text) return fail(text.error());
  return parse_iet_sessions(*text);
}

Result<void> IetControl::new_target(std::uint32_t tid, const std::string& iqn) {
  return act("make a target", ietadm::new_target(tid, iqn));
}

Result<void> IetControl::delete_target(std::uint32_t tid) {
  return act("delete a target", ietadm::delete_target(tid));
}

Result<void> IetControl::new_unit(std::uint32_t tid, std::uint32_t lun, const std::string& params) {
  return act("make a logical unit", ietadm::new_unit(tid, lun, params));
}

Result<void> IetControl::new_account(std::uint32_t tid, const std::string& user,
                                     const Secret& secret) {
  return act("make an account", ietadm::new_account(tid, user, secret));
}

Result<void> IetControl::delete_account(std::uint32_t tid, const std::string& user) {
  return act("delete an account", ietadm::delete_account(tid, user));
}

Result<void> IetControl::close_connection(std::uint32_t tid, std::uint64_t sid, std::uint32_t cid) {
  return act("close a connection", ietadm::close_connection(tid, sid, cid));
}

}  // namespace vbs::volume_delegate
