#include "tests/sim/setting.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace vbs::sim {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  if (!text) return otherwise;
  char* end = nullptr;
  const std::uint64_t number = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') throw std::runtime_error(std::string(name) + " is no number");
  return number;
}

std::uint64_t rotation() {
  return setting("VBS_ROTATION", 0);
}

}  // namespace vbs::sim
