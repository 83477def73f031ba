#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace vbs::config {

/// Typed access to one TOML table. Like json::Fields it collects the first error, and `finish`
/// refuses keys that nobody asked for; messages carry file, line and full key.
class Table {
 public:
  ~Table();
  Table(Table&&) noexcept;
  static Result<Table> load(const std::string& path);
  static Result<Table> parse(std::string_view text, const std::string& name = "config");

  std::string string(std::string_view key);
  std::string string_or(std::string_view key, std::string fallback);
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                          std::int64_t max);
  bool boolean_or(std::string_view key, bool fallback);
  /// A size such as "10G", in bytes.
  std::uint64_t size_or(std::string_view key, std::uint64_t fallback);
  /// A duration such as "250ms", "10s", "5min", "24h", in milliseconds.
  std::int64_t duration_or(std::string_view key, std::int64_t fallback_ms);
  std::vector<std::string> strings(std::string_view key);
  /// Sub-table; an absent one reads as empty. It reports into this table.
  Table table(std::string_view key);
  /// [[key]] array of tables.
  std::vector<Table> tables(std::string_view key);
  void reject(std::string_view key, std::string message);
  Result<void> finish();

 private:
  struct Impl;
  explicit Table(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs::config
