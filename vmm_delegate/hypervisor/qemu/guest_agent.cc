#include "vmm_delegate/hypervisor/qemu/guest_agent.h"

#include "vmm_delegate/hypervisor/guest_answers.h"
#include "vmm_delegate/hypervisor/qemu/qmp.h"

namespace vbs::vmm_delegate {
namespace {

/// guest-sync-delimited puts this byte before its answer; it never occurs in UTF-8.
constexpr char kDelimiter = '\xff';

}  // namespace

GuestAgent::GuestAgent(LineSocket socket, const Limits& limits)
    : socket_(std::move(socket)), limits_(limits) {}

Result<GuestAgent> GuestAgent::knock(const std::string& path, const Limits& limits) {
  const MonotonicTime deadline = deadline_in(limits.sync);
  auto socket = LineSocket::connect(path, deadline, limits.line_bytes);
  if (!socket) return fail(socket.error());
  GuestAgent agent(*std::move(socket), limits);
  agent.token_ = SystemClock().monotonic().time_since_epoch().count() & 0x7fffffff;
  const Arguments arguments = [&](json::Writer& out) { out.member("id", agent.token_); };
  // The delimiter also ends whatever half command an earlier client left in the agent's parser.
  const std::string line =
      kDelimiter + command_line("guest-sync-delimited", arguments, agent.token_);
  if (auto sent = agent.socket_.send(line, deadline); !sent) return fail(sent.error());
  return agent;
}

Result<void> GuestAgent::synchronise() {
  const MonotonicTime deadline = deadline_in(limits_.sync);
  while (true) {
    auto answer = socket_.read_line(deadline);
    if (!answer) return fail(answer.error());
    const auto delimiter = answer->rfind(kDelimiter);
    if (delimiter == std::string::npos) continue;  // answers to clients that left
    const auto value = json::parse(std::string_view(*answer).substr(delimiter + 1));
    const json::Value* result = value ? value->find("return") : nullptr;
    const auto* returned = result == nullptr ? nullptr : result->as<std::int64_t>();
    if (returned != nullptr && *returned == token_) return {};
  }
}

Result<json::Value> GuestAgent::execute(std::string_view command, Milliseconds limit) {
  const MonotonicTime deadline = deadline_in(limit);
  if (auto sent = socket_.send(command_line(command, {}, 1), deadline); !sent) {
    return fail(sent.error());
  }
  auto line = socket_.read_line(deadline);
  if (!line) return fail(line.error());
  return guest_result(command, *line, limits_.line_bytes);
}

Result<FileFreeze> GuestAgent::freeze_files() {
  auto status = execute("guest-fsfreeze-status", limits_.exchange);
  if (!status) return fail(status.error());
  const auto is_frozen = guest_is_frozen(*status);
  if (!is_frozen) return fail(is_frozen.error());
  if (*is_frozen) return FileFreeze::was_frozen;
  auto frozen = execute("guest-fsfreeze-freeze", limits_.freeze);
  if (!frozen) return fail(frozen.error());
  return FileFreeze::frozen;
}

Result<void> GuestAgent::thaw_files() {
  auto thawed = execute("guest-fsfreeze-thaw", limits_.freeze);
  if (!thawed) return fail(thawed.error());
  return {};
}

Result<std::optional<GuestDisk>> GuestAgent::disk(std::string_view serial) {
  auto disks = execute("guest-get-disks", limits_.exchange);
  if (!disks) return fail(disks.error());
  auto found = guest_disk(*disks, serial);
  if (!found || !*found) return found;
  auto mounted = mounted_disk(serial);
  if (!mounted) return mounted;
  if (*mounted) (*found)->mountpoints = std::move((*mounted)->mountpoints);
  return found;
}

Result<std::optional<GuestDisk>> GuestAgent::mounted_disk(std::string_view serial) {
  auto mounts = execute("guest-get-fsinfo", limits_.exchange);
  if (!mounts) return fail(mounts.error());
  auto found = guest_mounted_disk(*mounts, serial);
  if (found || found.error().code != ErrorCode::not_found) return found;
  const auto disks = execute("guest-get-disks", limits_.exchange);
  if (!disks) return found;
  const auto known = guest_disk(*disks, serial);
  // It tells the number of this disk, so it would have told it with what is mounted, too.
  if (known && *known) return std::optional<GuestDisk>();
  return found;
}

}  // namespace vbs::vmm_delegate
