#include "common/units.h"

#include <array>
#include <charconv>
#include <limits>

#include "common/text.h"

namespace vbs {
namespace {

constexpr std::string_view kSizeForm =
    "must be a number with an optional unit K, M, G, T (powers of 1024), like 32M";
constexpr std::uint64_t kLargestSize = std::numeric_limits<std::int64_t>::max();
// A fraction of this many digits times a TiB stays below 2^63.
constexpr std::size_t kMaxDecimals = 6;

struct Unit {
  char letter;
  std::uint64_t bytes;
};
constexpr std::array kUnits{Unit{'T', kTiB}, Unit{'G', kGiB}, Unit{'M', kMiB}, Unit{'K', kKiB}};

tl::unexpected<Error> bad_size(std::string_view text) {
  return fail_field("size", std::string(kSizeForm) + ", got " + quote(text));
}

// "", "G", "g" or "GiB" to bytes; 0 for anything else.
std::uint64_t unit_bytes(std::string_view text) {
  if (text.empty()) return 1;
  for (const Unit& unit : kUnits) {
    const char lower = static_cast<char>(unit.letter - 'A' + 'a');
    if (text[0] != unit.letter && text[0] != lower) continue;
    if (text.size() == 1 || (text[0] == unit.letter && text.substr(1) == "iB")) return unit.bytes;
  }
  return 0;
}

std::string_view take_digits(std::string_view& text) {
  const auto end = text.find_first_not_of("0123456789");
  const std::string_view digits = text.substr(0, end);
  text.remove_prefix(digits.size());
  return digits;
}

std::string with_unit(std::uint64_t count, std::string_view unit) {
  return std::to_string(count).append(" ").append(unit);
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const std::string_view whole_digits = take_digits(rest);
  std::string_view decimals;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    decimals = take_digits(rest);
    if (decimals.empty() || decimals.size() > kMaxDecimals) return bad_size(text);
  }
  const std::uint64_t unit = unit_bytes(rest);
  if (whole_digits.empty() || unit == 0) return bad_size(text);

  std::uint64_t whole = 0;
  const char* whole_end = whole_digits.data() + whole_digits.size();
  const auto parsed = std::from_chars(whole_digits.data(), whole_end, whole);
  std::uint64_t scale = 1;
  std::uint64_t fraction = 0;
  for (const char digit : decimals) {
    scale *= 10;
    fraction = fraction * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  if (fraction * unit % scale != 0) {
    return fail_field("size", "must be a whole number of bytes, got " + quote(text));
  }
  const std::uint64_t extra = fraction * unit / scale;
  if (parsed.ec != std::errc() || whole > (kLargestSize - extra) / unit) {
    return fail_field("size", "must be less than 2^63 bytes, got " + quote(text));
  }
  return whole * unit + extra;
}

std::string format_size(std::uint64_t bytes) {
  for (const Unit& unit : kUnits) {
    const std::uint64_t rest = bytes % unit.bytes;
    if (bytes < unit.bytes || rest * 10 % unit.bytes != 0) continue;
    std::string text = std::to_string(bytes / unit.bytes);
    if (rest != 0) text.append(".").append(std::to_string(rest * 10 / unit.bytes));
    return text + unit.letter;
  }
  for (const Unit& unit : kUnits) {
    if (bytes < unit.bytes) continue;
    const std::uint64_t rest_tenths = (bytes % unit.bytes * 10 + unit.bytes / 2) / unit.bytes;
    const std::uint64_t tenths = bytes / unit.bytes * 10 + rest_tenths;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + unit.letter;
  }
  return std::to_string(bytes);
}

Result<void> check_volume_size(std::uint64_t bytes, std::string_view field) {
  if (bytes >= kMinVolumeSize && bytes <= kMaxVolumeSize && bytes % kSizeGranularity == 0) {
    return {};
  }
  return fail_field(std::string(field), "must be whole MiB (a multiple of 1048576 bytes) from " +
                                            format_size(kMinVolumeSize) + " to " +
                                            format_size(kMaxVolumeSize) + ", got " +
                                            std::to_string(bytes) + " bytes");
}

std::string format_duration(std::int64_t millis) {
  if (millis < 0) {
    return "-" + format_duration(millis == std::numeric_limits<std::int64_t>::min()
                                     ? std::numeric_limits<std::int64_t>::max()
                                     : -millis);
  }
  const auto total = static_cast<std::uint64_t>(millis);
  if (total < 1'000) return with_unit(total, "ms");
  const std::uint64_t seconds = total / 1'000;
  if (seconds < 60) {
    const std::uint64_t tenth = total % 1'000 / 100;
    return std::to_string(seconds) + (tenth == 0 ? "" : "." + std::to_string(tenth)) + " s";
  }
  struct Pair {
    std::uint64_t seconds;
    std::string_view large;
    std::uint64_t small_seconds;
    std::string_view small;
  };
  constexpr std::array kPairs{Pair{86'400, "d", 3'600, "h"}, Pair{3'600, "h", 60, "min"},
                              Pair{60, "min", 1, "s"}};
  std::string text;
  for (const Pair& pair : kPairs) {
    if (seconds < pair.seconds) continue;
    text = with_unit(seconds / pair.seconds, pair.large);
    const std::uint64_t rest = seconds % pair.seconds / pair.small_seconds;
    if (rest != 0) text.append(" ").append(with_unit(rest, pair.small));
    break;
  }
  return text;
}

}  // namespace vbs
