#include "tests/conformance/hypervisor/qemu_monitor.h"

#include <algorithm>
#include <map>

namespace vbs::conformance {
namespace {

template <class T>
T member(const json::Value& value, std::string_view key) {
  const json::Value* found = value.find(key);
  const T* typed = found == nullptr ? nullptr : found->as<T>();
  return typed == nullptr ? T{} : *typed;
}

/// A device with an id is named by it, any other by its path; that of virtio-blk's serial is the
/// parent of the device that has the disk.
std::string serial_of(const Monitor& monitor, std::string device) {
  if (!device.starts_with('/')) device = "/machine/peripheral/" + device;
  const std::string ending = "/virtio-backend";
  if (device.ends_with(ending)) device.resize(device.size() - ending.size());
  const auto serial = monitor(R"({"execute": "qom-get", "arguments": {"path": ")" + device +
                              R"(", "property": "serial"}})");
  const auto* text = serial ? serial->as<std::string>() : nullptr;
  return text == nullptr ? "" : *text;
}

/// Device name -> disk.
std::map<std::string, ShownDisk> disks_by_device(const Monitor& monitor) {
  std::map<std::string, ShownDisk> disks;
  const auto backends = monitor(R"({"execute": "query-block"})");
  if (!backends) return disks;
  for (const json::Value& backend : *backends->as<json::Value::Array>()) {
    const std::string device = member<std::string>(backend, "qdev");
    const json::Value* inserted = backend.find("inserted");
    if (device.empty() || inserted == nullptr) continue;
    ShownDisk disk{serial_of(monitor, device), member<bool>(*inserted, "ro"), 0};
    const json::Value* image = inserted->find("image");
    if (image != nullptr) {
      disk.size_bytes = static_cast<std::uint64_t>(member<std::int64_t>(*image, "virtual-size"));
    }
    disks[device] = disk;
  }
  return disks;
}

bool run_io(const Monitor& monitor, const std::string& device, const std::string& command) {
  const auto said =
      monitor(R"({"execute": "human-monitor-command", "arguments": {"command-line": "qemu-io -d )" +
              device + R"( \")" + command + R"(\""}})");
  const auto* text = said ? said->as<std::string>() : nullptr;
  return text != nullptr && text->find("rror") == text->npos && text->find("ailed") == text->npos &&
         text->find("not permitted") == text->npos && text->find("read-only") == text->npos;
}

}  // namespace

std::vector<ShownDisk> qemu_disks(const Monitor& monitor) {
  std::vector<ShownDisk> disks;
  for (const auto& [device, disk] : disks_by_device(monitor)) disks.push_back(disk);
  std::sort(disks.begin(), disks.end(),
            [](const ShownDisk& a, const ShownDisk& b) { return a.serial < b.serial; });
  return disks;
}

bool qemu_write(const Monitor& monitor, const std::string& serial, char byte) {
  for (const auto& [device, disk] : disks_by_device(monitor)) {
    if (disk.serial != serial) continue;
    const std::string pattern = std::to_string(static_cast<unsigned char>(byte));
    return run_io(monitor, device, "write -P " + pattern + " 0 4096") &&
           run_io(monitor, device, "flush");
  }
  return false;
}

}  // namespace vbs::conformance
