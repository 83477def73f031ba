#include "tests/fuzz/fuzz.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>

namespace vbs::fuzz {

void require(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << "this does not hold: " << what << std::endl;
  std::abort();
}

}  // namespace vbs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  vbs::fuzz::one_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
