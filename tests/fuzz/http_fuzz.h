#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/http/parser.h"
#include "common/http/text.h"
#include "tests/fuzz/fuzz.h"

namespace vbs::fuzz {

inline constexpr http::ParserLimits kHttpLimits{1024, 2048};

/// Gives the parser the bytes as a connection would, `step` more each time, up to the end of the
/// message.
template <class Parser>
void feed_in_steps(Parser& parser, std::string_view bytes, std::size_t step) {
  std::size_t taken = 0;
  for (std::size_t seen = 0; !parser.done() && parser.verdict().ok();) {
    const std::size_t used = parser.feed(bytes.substr(taken, seen - taken));
    require(used <= seen - taken, "no more is taken than was given");
    taken += used;
    if (used > 0) continue;
    if (seen == bytes.size()) return;
    seen += std::min(step, bytes.size() - seen);
  }
}

/// What any finished message must be like.
inline void check_message(const http::Headers& headers, std::size_t body_size) {
  require(headers.all().size() <= 100, "there are at most 100 fields");
  require(body_size <= kHttpLimits.body, "a body stays within its limit");
  for (const auto& [name, value] : headers.all()) {
    require(http::is_valid_field(name, value), "a field stays on its line");
  }
}

}  // namespace vbs::fuzz
