#include "cli/text.h"

#include <locale.h>
#include <wchar.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace vbs::cli {
namespace {

struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;  ///< bytes; 0 when the bytes are not UTF-8
};

/// RFC 3629, section 4: shortest form, no surrogates.
CodePoint decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  char32_t value = 0;
  char32_t smallest = 0;
  if ((lead & 0xe0) == 0xc0) {
    length = 2, value = lead & 0x1fU, smallest = 0x80;
  } else if ((lead & 0xf0) == 0xe0) {
    length = 3, value = lead & 0x0fU, smallest = 0x800;
  } else if ((lead & 0xf8) == 0xf0) {
    length = 4, value = lead & 0x07U, smallest = 0x10000;
  }
  if (length == 0 || text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return {};
    value = (value << 6) | (byte & 0x3fU);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < smallest || value > 0x10ffff || surrogate) return {};
  return {value, length};
}

bool is_dangerous(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

std::string hex_escape(const char* format, unsigned value) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

/// wcwidth depends on the locale; this one is part of the C library, whatever the user has set.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {}
  ~Utf8Locale() {
    if (locale_ != nullptr) freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

  std::size_t width(char32_t c) const {
    if (locale_ == nullptr) return 1;
    const locale_t before = uselocale(locale_);
    const int columns = wcwidth(static_cast<wchar_t>(c));
    uselocale(before);
    return columns < 0 ? 1 : static_cast<std::size_t>(columns);
  }

 private:
  locale_t locale_;
};

std::size_t width_of(char32_t c) {
  static const Utf8Locale locale;
  return c >= 0x20 && c < 0x7f ? 1 : locale.width(c);
}

template <class T>
bool read_digits(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && text[0] != '-';
}

std::optional<Milliseconds> parse_fraction(std::string_view text) {
  if (text.empty()) return Milliseconds(0);
  if (text[0] != '.' || text.size() < 2 || text.size() > 10) return std::nullopt;
  std::string digits(text.substr(1));
  digits.resize(3, '0');
  int millis = 0;
  if (!read_digits(std::string_view(digits), millis)) return std::nullopt;
  return Milliseconds(millis);
}

}  // namespace

std::string escape_for_terminal(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode(text);
    const std::size_t length = std::max<std::size_t>(point.length, 1);
    if (point.length == 0) {
      out += hex_escape("\\x%02x", static_cast<unsigned char>(text[0]));
    } else if (is_dangerous(point.value)) {
      out += hex_escape(point.value < 0x100 ? "\\x%02x" : "\\u%04x",
                        static_cast<unsigned>(point.value));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string escape_json_for_terminal(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const CodePoint point = decode(json);
    const std::size_t length = std::max<std::size_t>(point.length, 1);
    if (point.value >= 0x7f && is_dangerous(point.value)) {
      out += hex_escape("\\u%04x", static_cast<unsigned>(point.value));
    } else {
      out += json.substr(0, length);
    }
    json.remove_prefix(length);
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const CodePoint point = decode(text);
    columns += point.length == 0 ? 1 : width_of(point.value);
    text.remove_prefix(std::max<std::size_t>(point.length, 1));
  }
  return columns;
}

std::string truncate_to_width(std::string_view text, std::size_t columns) {
  std::size_t used = 0;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const CodePoint point = decode(text.substr(bytes));
    used += point.length == 0 ? 1 : width_of(point.value);
    if (used > columns) break;
    bytes += std::max<std::size_t>(point.length, 1);
  }
  return std::string(text.substr(0, bytes));
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  // 2026-03-01T12:00:00[.000]Z
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  int y = 0;
  unsigned mo = 0, d = 0, h = 0, mi = 0, s = 0;
  const bool digits = read_digits(text.substr(0, 4), y) && read_digits(text.substr(5, 2), mo) &&
                      read_digits(text.substr(8, 2), d) && read_digits(text.substr(11, 2), h) &&
                      read_digits(text.substr(14, 2), mi) && read_digits(text.substr(17, 2), s);
  const auto fraction = parse_fraction(text.substr(19, text.size() - 20));
  const year_month_day date{year(y), month(mo), day(d)};
  if (!digits || !fraction || !date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;
  return WallTime(sys_days(date) + hours(h) + minutes(mi) + seconds(s) + *fraction);
}

std::string format_age(WallTime then, WallTime now) {
  using namespace std::chrono;
  const auto age = std::max<std::int64_t>(duration_cast<seconds>(now - then).count(), 0);
  if (age < 120) return std::to_string(age) + "s";
  if (age < 120 * 60) return std::to_string(age / 60) + "m";
  if (age < 48 * 3600) return std::to_string(age / 3600) + "h";
  return std::to_string(age / 86400) + "d";
}

std::optional<std::string> canonical_id_prefix(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == '-') continue;
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool hex = (lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f');
    if (!hex) return std::nullopt;
    digits += lower;
  }
  if (digits.size() < 4 || digits.size() > 32) return std::nullopt;
  for (const std::size_t position : {8U, 13U, 18U, 23U}) {
    if (digits.size() > position) digits.insert(position, 1, '-');
  }
  return digits;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    out += unreserved ? std::string(1, c) : hex_escape("%%%02X", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace vbs::cli
