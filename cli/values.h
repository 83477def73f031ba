#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "common/clock.h"

namespace vbs::cli {

/// Judges one value by its kind before anything is sent; "" or what was expected.
std::string check_value(ValueKind kind, const std::vector<std::string>& choices,
                        const std::string& value);

/// What a volume of `present` bytes is to have: "20G", or "+10G" for so much more.
Result<std::uint64_t> parse_growth(std::string_view text, std::uint64_t present);

/// "250ms", "90s" or plain "90", "5min", "2h"; at most 7 days.
Result<Milliseconds> parse_duration(std::string_view text);

}  // namespace vbs::cli
