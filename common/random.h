#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace vbs {

/// Where all randomness comes from, so that a whole run can be simulated from a seed. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> bytes) = 0;

  std::uint64_t next();
  /// `length` characters of [A-Za-z0-9], for CHAP secrets and tokens (5.95 bits a character).
  std::string alphanumeric(std::size_t length);
};

/// getrandom(2).
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;
};

}  // namespace vbs
