#include "tests/fuzz/fuzz.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>

namespace vbs::fuzz {

std::string_view next_part(std::string_view& rest) {
  constexpr std::string_view kLine = "\n--\n";
  const auto end = rest.find(kLine);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kLine.size());
  return part;
}

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
