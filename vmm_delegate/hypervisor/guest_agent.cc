#include "vmm_delegate/hypervisor/guest_agent.h"

#include "common/json.h"
#include "common/text.h"
#include "vmm_delegate/hypervisor/qmp.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxValues = 50'000;
constexpr std::size_t kMaxGuestText = 256;
/// guest-sync-delimited puts this byte before its answer; it never occurs in UTF-8.
constexpr char kDelimiter = '\xff';

tl::unexpected<Error> not_understood(std::string_view what) {
  return fail(ErrorCode::internal,
              "the guest agent's answer is not understood: " + std::string(what));
}

/// A member that is a short text; "" for anything else.
std::string text_of(const json::Value& value, std::string_view key) {
  const json::Value* member = value.find(key);
  const auto* text = member == nullptr ? nullptr : member->as<std::string>();
  return text == nullptr || text->size() > kMaxGuestText ? "" : *text;
}

const json::Value::Array& array_of(const json::Value& value, std::string_view key) {
  static const json::Value::Array empty;
  const json::Value* member = value.find(key);
  const auto* array = member == nullptr ? nullptr : member->as<json::Value::Array>();
  return array == nullptr ? empty : *array;
}

/// The agent takes serials from udev, which may put vendor and model before it:
/// "0QEMU_QEMU_HARDDISK_<serial>".
bool shows_serial(const json::Value& disk, std::string_view serial) {
  const std::string shown = text_of(disk, "serial");
  if (!shown.ends_with(serial)) return false;
  return shown.size() == serial.size() || shown[shown.size() - serial.size() - 1] == '_';
}

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
  auto answer = json::parse(*line, {limits_.line_bytes, kMaxDepth, kMaxValues});
  if (!answer) return not_understood(quote(*line));
  if (const json::Value* error = answer->find("error")) {
    return fail(ErrorCode::conflict, "the guest agent refused " + std::string(command) + ": " +
                                         to_utf8(text_of(*error, "desc")));
  }
  const json::Value* result = answer->find("return");
  if (result == nullptr) return not_understood("neither a result nor an error");
  return *result;
}

Result<FileFreeze> GuestAgent::freeze_files() {
  auto status = execute("guest-fsfreeze-status", limits_.exchange);
  if (!status) return fail(status.error());
  const auto* text = status->as<std::string>();
  if (text == nullptr) return not_understood("guest-fsfreeze-status");
  if (*text == "frozen") return FileFreeze::was_frozen;
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
  const auto* all = disks->as<json::Value::Array>();
  if (all == nullptr) return not_understood("guest-get-disks");
  std::optional<GuestDisk> found;
  for (const json::Value& disk : *all) {
    const json::Value* address = disk.find("address");
    const json::Value* partition = disk.find("partition");
    const bool whole =
        partition != nullptr && partition->as<bool>() != nullptr && !*partition->as<bool>();
    if (whole && address != nullptr && shows_serial(*address, serial)) {
      found = GuestDisk{text_of(disk, "name"), {}};
    }
  }
  if (!found) return found;
  auto mounted = mounted_disk(serial);
  if (!mounted) return mounted;
  if (*mounted) found->mountpoints = std::move((*mounted)->mountpoints);
  return found;
}

Result<std::optional<GuestDisk>> GuestAgent::mounted_disk(std::string_view serial) {
  auto mounts = execute("guest-get-fsinfo", limits_.exchange);
  if (!mounts) return fail(mounts.error());
  const auto* file_systems = mounts->as<json::Value::Array>();
  if (file_systems == nullptr) return not_understood("guest-get-fsinfo");
  std::optional<GuestDisk> found;
  for (const json::Value& file_system : *file_systems) {
    for (const json::Value& disk : array_of(file_system, "disk")) {
      if (!shows_serial(disk, serial)) continue;
      if (!found) found = GuestDisk{text_of(disk, "dev"), {}};
      found->mountpoints.push_back(text_of(file_system, "mountpoint"));
      break;
    }
  }
  return found;
}

}  // namespace vbs::vmm_delegate
