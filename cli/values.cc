#include "cli/values.h"

#include <algorithm>
#include <charconv>

#include "common/text.h"
#include "common/units.h"

namespace vbs::cli {
namespace {

constexpr std::int64_t kLongestWaitMs = 7LL * 24 * 3600 * 1000;
constexpr std::int64_t kMaxCount = 1'000'000;

std::string joined(const std::vector<std::string>& choices) {
  std::string text;
  for (const auto& choice : choices) text += (text.empty() ? "" : ", ") + choice;
  return text;
}

std::string check_count(const std::string& value) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = error == std::errc{} && end == value.data() + value.size();
  if (whole && number >= 1 && number <= kMaxCount) return "";
  return "must be a number from 1 to " + std::to_string(kMaxCount);
}

std::string check_tag(const std::string& value) {
  const auto equals = value.find('=');
  if (equals != std::string::npos && equals > 0) return "";
  return "must be KEY=VALUE";
}

}  // namespace

Result<Milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  const std::string_view unit(end, static_cast<std::size_t>(last - end));
  std::int64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s" || unit.empty()) factor = 1000;
  if (unit == "min") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  const bool valid = error == std::errc{} && factor != 0 && number > 0;
  if (!valid || number > kLongestWaitMs / factor) {
    return fail(ErrorCode::invalid_field,
                "must be a time such as 500ms, 90s, 5min or 2h, at most 168h");
  }
  return Milliseconds(number * factor);
}

Result<std::uint64_t> parse_growth(std::string_view text, std::uint64_t present) {
  if (!text.starts_with('+')) return parse_size(text);
  const auto more = parse_size(text.substr(1));
  if (!more) return more;
  if (*more > UINT64_MAX - present) {
    return fail_field("size", "is more than a size can be, got " + quote(text));
  }
  return present + *more;
}

std::string check_value(ValueKind kind, const std::vector<std::string>& choices,
                        const std::string& value) {
  switch (kind) {
    case ValueKind::size: {
      const auto size = parse_size(value);
      return size ? "" : size.error().message;
    }
    case ValueKind::growth: {
      const auto size = parse_growth(value, 0);
      return size ? "" : size.error().message;
    }
    case ValueKind::duration: {
      const auto duration = parse_duration(value);
      return duration ? "" : duration.error().message;
    }
    case ValueKind::count:
      return check_count(value);
    case ValueKind::tag:
      return check_tag(value);
    case ValueKind::choice: {
      const bool known = std::find(choices.begin(), choices.end(), value) != choices.end();
      return known ? "" : "must be one of " + joined(choices);
    }
    case ValueKind::volume:
    case ValueKind::snapshot:
    case ValueKind::image:
    case ValueKind::operation:
    case ValueKind::file:
      return value.empty() ? "must not be empty" : "";
    case ValueKind::flag:
    case ValueKind::text:
      return "";
  }
  return "";
}

}  // namespace vbs::cli
