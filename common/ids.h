#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/random.h"

namespace vbs {

/// A 128-bit identifier; every resource's id is a version 7 UUID (RFC 9562, section 5.7). The text
/// form is the canonical 36 lower-case characters and is the object's name in every layer.
class Uuid {
 public:
  Uuid() = default;  ///< the nil UUID
  /// Only the canonical 36-character form, either case; nullopt otherwise.
  static std::optional<Uuid> parse(std::string_view text);
  /// Time-ordered: 48 bits of milliseconds, the rest random.
  static Uuid generate(const Clock& clock, Random& random);

  std::string str() const;
  /// 26 characters of lower-case base32 (RFC 4648 alphabet, no padding), where a tool limits names.
  std::string base32() const;
  static std::optional<Uuid> from_base32(std::string_view text);
  bool is_nil() const { return *this == Uuid{}; }
  auto operator<=>(const Uuid&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace vbs
