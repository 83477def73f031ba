#include "common/text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace vbs {
namespace {

constexpr std::size_t kQuotedCharacters = 40;

struct CodePoint {
  std::size_t length = 0;  ///< bytes; 0 if the text does not begin with valid UTF-8
  char32_t value = 0;
};

bool is_continuation(char byte) {
  return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80;
}

// The first character of a text that is not empty (RFC 3629, section 4).
CodePoint first_of(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  char32_t value = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return {};
    value = (value << 6) | (static_cast<std::uint8_t>(text[i]) & 0x3FU);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[length] || value > 0x10FFFF || surrogate) return {};
  return {length, value};
}

bool is_printable(char32_t value) {
  const bool control = value < 0x20 || (value >= 0x7F && value <= 0x9F);
  const bool separator = value == 0x2028 || value == 0x2029;
  return !control && !separator;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint first = first_of(text);
    if (first.length == 0) return false;
    text.remove_prefix(first.length);
  }
  return true;
}

std::string to_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint first = first_of(text);
    out.append(first.length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, first.length));
    text.remove_prefix(std::max<std::size_t>(first.length, 1));
  }
  return out;
}

bool is_printable_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint first = first_of(text);
    if (first.length == 0 || !is_printable(first.value)) return false;
    text.remove_prefix(first.length);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t max_characters) {
  std::string out;
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == max_characters) return out.append("...");
    const CodePoint first = first_of(text);
    const bool shown = first.length != 0 && is_printable(first.value);
    out.append(shown ? text.substr(0, first.length) : std::string_view("?"));
    text.remove_prefix(std::max<std::size_t>(first.length, 1));
  }
  return out;
}

std::string quote(std::string_view text) {
  return '"' + printable(text, kQuotedCharacters) + '"';
}

}  // namespace vbs
