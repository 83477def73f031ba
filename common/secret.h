#pragma once

#include <string>
#include <string_view>

namespace vbs {

/// A string that does not print itself and is wiped when it goes. `reveal` marks each place that
/// really needs the text.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text);
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  /// In constant time.
  bool operator==(const Secret& other) const;

 private:
  std::string text_;
};

/// Compares in a time that depends only on the lengths.
bool constant_time_equal(std::string_view a, std::string_view b);
/// Lower-case hex of SHA-256 (FIPS 180-4).
std::string sha256_hex(std::string_view bytes);

}  // namespace vbs
