#include "common/clock.h"

namespace vbs {
namespace {

void put_digits(std::string& out, std::uint64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out.append(digits);
}

}  // namespace

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
}

MonotonicTime SystemClock::monotonic() const {
  return std::chrono::steady_clock::now();
}

std::string to_rfc3339(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string out;
  out.reserve(24);
  const int year = static_cast<int>(date.year());
  if (year < 0) out.push_back('-');
  put_digits(out, static_cast<std::uint64_t>(year < 0 ? -year : year), 4);
  out.push_back('-');
  put_digits(out, static_cast<unsigned>(date.month()), 2);
  out.push_back('-');
  put_digits(out, static_cast<unsigned>(date.day()), 2);
  out.push_back('T');
  put_digits(out, static_cast<std::uint64_t>(clock.hours().count()), 2);
  out.push_back(':');
  put_digits(out, static_cast<std::uint64_t>(clock.minutes().count()), 2);
  out.push_back(':');
  put_digits(out, static_cast<std::uint64_t>(clock.seconds().count()), 2);
  out.push_back('.');
  put_digits(out, static_cast<std::uint64_t>(clock.subseconds().count()), 3);
  out.push_back('Z');
  return out;
}

}  // namespace vbs
