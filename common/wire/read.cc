#include "common/wire/read.h"

#include <algorithm>
#include <limits>

namespace vbs::wire {
namespace {

constexpr std::size_t kMaxChapWord = 256;
constexpr std::size_t kMaxText = 1024;

void check_text(json::Fields& fields, std::string_view key, const std::string& text) {
  if (text.size() <= kMaxText && is_printable_utf8(text)) return;
  fields.reject(key, "must have at most " + std::to_string(kMaxText) +
                         " bytes without control characters, got " + quote(text));
}

Uuid checked_uuid(json::Fields& fields, std::string_view key, const std::string& text) {
  const auto id = Uuid::parse(text);
  if (!id) fields.reject(key, "must be a UUID of 36 characters, got " + quote(text));
  return id.value_or(Uuid{});
}

}  // namespace

Uuid read_uuid(json::Fields& fields, std::string_view key) {
  const std::string text = fields.string(key);
  if (!fields.ok()) return {};
  return checked_uuid(fields, key, text);
}

std::optional<Uuid> read_optional_uuid(json::Fields& fields, std::string_view key) {
  const auto text = fields.optional_string(key);
  if (!fields.ok() || !text) return std::nullopt;
  return checked_uuid(fields, key, *text);
}

std::uint32_t read_uint32(json::Fields& fields, std::string_view key) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  const std::uint64_t value = fields.uint64(key);
  if (value <= kMax) return static_cast<std::uint32_t>(value);
  fields.reject(key, "must be at most " + std::to_string(kMax));
  return 0;
}

std::string read_text(json::Fields& fields, std::string_view key) {
  std::string text = read_any_text(fields, key);
  if (fields.ok() && text.empty()) fields.reject(key, "must not be empty");
  return text;
}

std::string read_any_text(json::Fields& fields, std::string_view key) {
  std::string text = fields.string(key);
  check_text(fields, key, text);
  return text;
}

std::string read_remark(json::Fields& fields, std::string_view key) {
  return printable(fields.string(key), kMaxRemark);
}

std::optional<std::string> read_optional_remark(json::Fields& fields, std::string_view key) {
  std::optional<std::string> text = fields.optional_string(key);
  if (text) text = printable(*text, kMaxRemark);
  return text;
}

std::string read_chap_word(json::Fields& fields, std::string_view key) {
  std::string text = fields.string(key);
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  const bool fits = !text.empty() && text.size() <= kMaxChapWord;
  // The word itself stays out of the message: it may be the secret.
  if (fields.ok() && !(fits && std::all_of(text.begin(), text.end(), printable))) {
    fields.reject(key, "must be 1 to 256 printable ASCII characters without spaces");
  }
  return text;
}

std::int64_t read_generation(json::Fields& fields) {
  const std::int64_t generation = fields.int64("generation");
  if (fields.ok() && generation < 1) fields.reject("generation", "must be 1 or more");
  return generation;
}

std::string read_checked(json::Fields& fields, std::string_view key,
                         Result<void> (*check)(std::string_view, std::string_view)) {
  std::string text = fields.string(key);
  if (!fields.ok()) return text;
  if (auto good = check(text, key); !good) fields.reject(good.error());
  return text;
}

Error inside(std::string_view prefix, Error error) {
  error.code = ErrorCode::invalid_field;
  error.field = error.field.empty() ? std::string(prefix)
                                    : std::string(prefix).append(".").append(error.field);
  return error;
}

}  // namespace vbs::wire
