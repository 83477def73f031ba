#include "common/volume_serial.h"

#include <algorithm>

namespace vbs {
namespace {

constexpr std::size_t kShort = 16;

}  // namespace

std::string short_volume_serial(const Uuid& volume) {
  std::string digits = volume.str();
  digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
  return digits.substr(digits.size() - kShort);
}

bool is_volume_serial(std::string_view serial, const Uuid& volume) {
  return serial == volume.str() || serial == short_volume_serial(volume);
}

}  // namespace vbs
