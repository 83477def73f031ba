#pragma once

#include <cstdint>

namespace vbs::sim {

/// A number that the environment may give. Throws where what it gives is none.
std::uint64_t setting(const char* name, std::uint64_t otherwise);

/// VBS_ROTATION: another number with each commit, for what takes turns.
std::uint64_t rotation();

}  // namespace vbs::sim
