#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/error.h"

namespace vbs::json {

struct Limits {
  std::size_t max_bytes = 1 << 20;
  std::size_t max_depth = 16;  ///< a value is destroyed by recursion: keep it in the hundreds
  std::size_t max_values = 100'000;
};

/// An immutable JSON value (RFC 8259). Integers keep 64-bit exactness; other numbers are doubles.
class Value {
 public:
  using Array = std::vector<Value>;
  using Object = std::vector<std::pair<std::string, Value>>;  ///< in document order, keys unique

  Value() = default;  ///< null
  explicit Value(bool value) : data_(value) {}
  explicit Value(std::int64_t value) : data_(value) {}
  explicit Value(std::uint64_t value) : data_(value) {}  ///< only for values above INT64_MAX
  explicit Value(double value) : data_(value) {}
  explicit Value(std::string value) : data_(std::move(value)) {}
  explicit Value(Array value) : data_(std::move(value)) {}
  explicit Value(Object value) : data_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  template <class T>
  const T* as() const {
    return std::get_if<T>(&data_);
  }
  /// Member of an object; nullptr if absent or if this is no object.
  const Value* find(std::string_view key) const;
  /// "a string", "an integer", ... for messages.
  std::string_view type_name() const;

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array,
               Object>
      data_;
};

/// Strict: valid UTF-8, no duplicate keys, no trailing text, within `limits`; the parser is
/// iterative.
Result<Value> parse(std::string_view text, const Limits& limits = {});

/// Reads the members of one object with types, collecting the first error. Use:
///     Fields f(value);
///     spec.size_bytes = f.uint64("size_bytes");
///     spec.name = f.optional_string("name");
///     if (auto ok = f.finish(); !ok) return fail(ok.error());
/// `finish` also refuses members that nobody asked for. After an error the getters return defaults.
/// A null member counts as absent. `prefix` is put before field names ("source.").
class Fields {
 public:
  explicit Fields(const Value& value, std::string prefix = "");

  std::string string(std::string_view key);
  std::int64_t int64(std::string_view key);
  std::uint64_t uint64(std::string_view key);
  bool boolean(std::string_view key);
  std::optional<std::string> optional_string(std::string_view key);
  std::optional<std::int64_t> optional_int64(std::string_view key);
  std::optional<std::uint64_t> optional_uint64(std::string_view key);
  bool boolean_or(std::string_view key, bool fallback);
  /// Object of strings; absent gives an empty map.
  std::map<std::string, std::string> string_map(std::string_view key);
  /// The raw member; nullptr if absent or null (an error for the required forms).
  const Value* object(std::string_view key);
  const Value* optional_object(std::string_view key);
  const Value::Array* array(std::string_view key);
  const Value::Array* optional_array(std::string_view key);
  /// Reports a field as wrong, for checks beyond the type.
  void reject(std::string_view key, std::string message);
  void reject(Error error);
  /// For what newer peers say: members that nobody asked for are not an error.
  void ignore_unknown() { ignore_unknown_ = true; }
  bool ok() const { return !error_; }
  Result<void> finish();

 private:
  const Value* take(std::string_view key, bool required);
  template <class T>
  const T* take_as(std::string_view key, bool required, std::string_view what);
  std::optional<std::int64_t> take_int64(std::string_view key, bool required);
  std::optional<std::uint64_t> take_uint64(std::string_view key, bool required);
  const Value* take_object(std::string_view key, bool required);

  const Value& value_;
  std::string prefix_;
  std::vector<std::string> seen_;
  bool ignore_unknown_ = false;
  std::optional<Error> error_;
};

/// Streams one JSON text into a string. Calls must be balanced; bytes of a string value that are no
/// UTF-8 (tool output) become U+FFFD. Names and raw texts are the caller's own and must be valid.
class Writer {
 public:
  Writer();
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void begin_object();
  void end_object();
  void begin_array();
  void end_array();
  void key(std::string_view name);
  void string(std::string_view value);
  void integer(std::int64_t value);
  void uinteger(std::uint64_t value);
  void number(double value);  ///< null for what JSON cannot say (infinity, NaN)
  void boolean(bool value);
  void null();
  /// Text that is JSON already (a stored document).
  void raw(std::string_view json);

  void member(std::string_view name, std::string_view value) { key(name), string(value); }
  void member(std::string_view name, const std::string& value) { key(name), string(value); }
  void member(std::string_view name, const char* value) { key(name), string(value); }
  template <std::signed_integral T>
  void member(std::string_view name, T value) {
    key(name), integer(value);
  }
  template <std::unsigned_integral T>
  void member(std::string_view name, T value) {
    key(name), uinteger(value);
  }
  void member(std::string_view name, bool value) { key(name), boolean(value); }
  void member(std::string_view name, const std::optional<std::string>& value) {
    key(name);
    value ? string(*value) : null();
  }
  void member(std::string_view name, const std::map<std::string, std::string>& value);

  /// The text written so far; the writer is empty afterwards and may be used again.
  std::string take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A value back to text, canonically: members in the order held, no spaces.
std::string to_text(const Value& value);

}  // namespace vbs::json
