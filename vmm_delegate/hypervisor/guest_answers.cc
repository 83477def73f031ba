#include "vmm_delegate/hypervisor/guest_answers.h"

#include "common/text.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxValues = 50'000;
constexpr std::size_t kVirtioSerial = 20;   // bytes of VIRTIO_BLK_T_GET_ID (virtio 1.2, 5.2.6)
constexpr std::size_t kMaxGuestText = 256;  // characters

tl::unexpected<Error> not_understood(std::string_view what) {
  return fail(ErrorCode::internal,
              "the guest agent's answer is not understood: " + std::string(what));
}

/// A member that is a text, cut and cleaned; "" for anything else.
std::string text_of(const json::Value& value, std::string_view key) {
  const json::Value* member = value.find(key);
  const auto* text = member == nullptr ? nullptr : member->as<std::string>();
  return text == nullptr ? "" : printable(*text, kMaxGuestText);
}

const json::Value::Array& array_of(const json::Value& value, std::string_view key) {
  static const json::Value::Array empty;
  const json::Value* member = value.find(key);
  const auto* array = member == nullptr ? nullptr : member->as<json::Value::Array>();
  return array == nullptr ? empty : *array;
}

/// The agent takes serials from udev, which may put vendor and model before it:
/// "0QEMU_QEMU_HARDDISK_<serial>". A virtio block device has room for its beginning.
bool shows_serial(const json::Value& disk, std::string_view serial) {
  const std::string shown = text_of(disk, "serial");
  if (shown == serial.substr(0, kVirtioSerial)) return true;
  if (!shown.ends_with(serial)) return false;
  return shown.size() == serial.size() || shown[shown.size() - serial.size() - 1] == '_';
}

}  // namespace

Result<json::Value> guest_result(std::string_view command, std::string_view answer,
                                 std::size_t max_bytes) {
  const auto value = json::parse(answer, {max_bytes, kMaxDepth, kMaxValues});
  if (!value) return not_understood(quote(answer));
  if (const json::Value* error = value->find("error")) {
    return fail(ErrorCode::conflict,
                "the guest agent refused " + std::string(command) + ": " + text_of(*error, "desc"));
  }
  const json::Value* result = value->find("return");
  if (result == nullptr) return not_understood("neither a result nor an error");
  return *result;
}

Result<bool> guest_is_frozen(const json::Value& status) {
  const auto* text = status.as<std::string>();
  if (text == nullptr) return not_understood("guest-fsfreeze-status");
  return *text == "frozen";
}

Result<std::optional<GuestDisk>> guest_disk(const json::Value& disks, std::string_view serial) {
  const auto* all = disks.as<json::Value::Array>();
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
  return found;
}

Result<std::optional<GuestDisk>> guest_mounted_disk(const json::Value& file_systems,
                                                    std::string_view serial) {
  const auto* all = file_systems.as<json::Value::Array>();
  if (all == nullptr) return not_understood("guest-get-fsinfo");
  std::optional<GuestDisk> found;
  bool all_tell = true;
  for (const json::Value& file_system : *all) {
    for (const json::Value& disk : array_of(file_system, "disk")) {
      all_tell = all_tell && !text_of(disk, "serial").empty();
      if (!shows_serial(disk, serial)) continue;
      if (!found) found = GuestDisk{text_of(disk, "dev"), {}};
      found->mountpoints.push_back(text_of(file_system, "mountpoint"));
      break;
    }
  }
  if (found || all_tell) return found;
  return fail(ErrorCode::not_found,
              "the guest agent does not tell the serial numbers of all disks that are mounted");
}

}  // namespace vbs::vmm_delegate
