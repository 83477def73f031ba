#pragma once

#include <string>
#include <vector>

namespace vbs::vmm_delegate {

/// "a, b, c"
inline std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all.append(all.empty() ? "" : ", ").append(text);
  return all;
}

}  // namespace vbs::vmm_delegate
