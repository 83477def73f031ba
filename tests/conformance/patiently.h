#pragma once

#include <chrono>

#include "common/error.h"

namespace vbs::conformance {

/// As the front service does: again, while that may help.
template <class Call>
auto patiently(Call call) {
  const auto start = std::chrono::steady_clock::now();
  auto result = call();
  while (!result && is_transient(result.error().code) &&
         std::chrono::steady_clock::now() - start < std::chrono::seconds(60)) {
    result = call();
  }
  return result;
}

}  // namespace vbs::conformance
