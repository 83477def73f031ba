#pragma once

#include <string>

#include "common/ids.h"
#include "common/wire/device.h"

namespace vbs::conformance {

/// Attaches, or detaches where the spec names no device, in a process of its own that is killed at
/// this fault point; false when it was not.
bool killed_at(const std::string& point, const std::string& configuration, const Uuid& attachment,
               const wire::DeviceSpec& spec, const std::string& host_path);

/// What such a process does instead of the tests; false when this is none.
bool is_child(int argc, char** argv);
int run_child(char** argv);

}  // namespace vbs::conformance
