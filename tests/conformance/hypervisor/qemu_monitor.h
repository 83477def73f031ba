#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/json.h"
#include "tests/conformance/hypervisor/rig.h"

namespace vbs::conformance {

/// Sends one QMP command, `{"execute": ...}`, and returns the value under "return".
using Monitor = std::function<Result<json::Value>(const std::string& command)>;

/// The disks of a QEMU, sorted by serial.
std::vector<ShownDisk> qemu_disks(const Monitor& monitor);
/// Writes the disk's first 4 KiB as its guest would, and flushes.
bool qemu_write(const Monitor& monitor, const std::string& serial, char byte);

}  // namespace vbs::conformance
