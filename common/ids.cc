#include "common/ids.h"

#include <algorithm>
#include <span>

namespace vbs {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t kTextLength = 36;
constexpr std::size_t kBase32Length = 26;  // 130 bits; the last two are zero

bool is_dash_position(std::size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

std::optional<unsigned> hex_digit(char c) {
  const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto at = kHex.find(lower);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

}  // namespace

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != kTextLength) return std::nullopt;
  Uuid id;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash_position(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const auto digit = hex_digit(text[i]);
    if (!digit) return std::nullopt;
    std::uint8_t& byte = id.bytes_[nibble / 2];
    byte = static_cast<std::uint8_t>((byte << 4) | *digit);
    ++nibble;
  }
  return id;
}

Uuid Uuid::generate(const Clock& clock, Random& random) {
  Uuid id;
  random.fill(std::span(id.bytes_).subspan(6));
  const auto millis = static_cast<std::uint64_t>(to_millis(clock.wall()));
  for (std::size_t i = 0; i < 6; ++i) {
    id.bytes_[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
  }
  id.bytes_[6] = static_cast<std::uint8_t>(0x70 | (id.bytes_[6] & 0x0F));  // version
  id.bytes_[8] = static_cast<std::uint8_t>(0x80 | (id.bytes_[8] & 0x3F));  // variant
  return id;
}

std::string Uuid::str() const {
  std::string text;
  text.reserve(kTextLength);
  for (const std::uint8_t byte : bytes_) {
    if (is_dash_position(text.size())) text.push_back('-');
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 0x0F]);
  }
  return text;
}

std::string Uuid::base32() const {
  std::string text;
  text.reserve(kBase32Length);
  unsigned pending = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes_) {
    pending = (pending << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text.push_back(kBase32[(pending >> (bits - 5)) & 31]);
    pending &= 31;
  }
  text.push_back(kBase32[(pending << (5 - bits)) & 31]);
  return text;
}

std::optional<Uuid> Uuid::from_base32(std::string_view text) {
  if (text.size() != kBase32Length) return std::nullopt;
  Uuid id;
  unsigned pending = 0;
  unsigned bits = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const auto digit = kBase32.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    pending = (pending << 5) | static_cast<unsigned>(digit);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    id.bytes_[at++] = static_cast<std::uint8_t>(pending >> bits);
    pending &= (1U << bits) - 1;
  }
  if (pending != 0) return std::nullopt;  // one id, one text
  return id;
}

}  // namespace vbs
