#include "tests/planted/planted.h"

#include <string>

namespace vbs {
namespace {

std::string& present() {
  static std::string bug;
  return bug;
}

}  // namespace

bool planted(std::string_view bug) {
  return present() == bug;
}

void plant(std::string_view bug) {
  present() = bug;
}

}  // namespace vbs
