#include <algorithm>
#include <limits>

#include "common/json.h"
#include "common/text.h"

namespace vbs::json {
namespace {

// Names carry their unit, so that a message can say it.
std::string_view unit_of(std::string_view key) {
  if (key.ends_with("_bytes")) return " (bytes)";
  if (key.ends_with("_ms")) return " (milliseconds)";
  return "";
}

std::string expected_integer(std::string_view key, const Value& got) {
  return "must be an integer" + std::string(unit_of(key)) + ", got " + std::string(got.type_name());
}

std::string expected(std::string_view what, const Value& got) {
  return "must be " + std::string(what) + ", got " + std::string(got.type_name());
}

}  // namespace

Fields::Fields(const Value& value, std::string prefix) : value_(value), prefix_(std::move(prefix)) {
  if (value.as<Value::Object>() != nullptr) return;
  Error error{ErrorCode::invalid_request, expected("an object", value), {}, {}, {}};
  if (prefix_.empty()) {
    error.message = "the JSON text " + error.message;
  } else {
    error.code = ErrorCode::invalid_field;
    error.field = prefix_.ends_with('.') ? prefix_.substr(0, prefix_.size() - 1) : prefix_;
  }
  error_ = std::move(error);
}

void Fields::reject(std::string_view key, std::string message) {
  if (!error_) error_ = fail_field(prefix_ + std::string(key), std::move(message)).value();
}

void Fields::reject(Error error) {
  if (!error_) error_ = std::move(error);
}

const Value* Fields::take(std::string_view key, bool required) {
  seen_.emplace_back(key);
  if (error_) return nullptr;
  const Value* value = value_.find(key);
  if (value != nullptr && !value->is_null()) return value;
  if (required) reject(key, "is required");
  return nullptr;
}

template <class T>
const T* Fields::take_as(std::string_view key, bool required, std::string_view what) {
  const Value* value = take(key, required);
  if (value == nullptr) return nullptr;
  const T* held = value->as<T>();
  if (held == nullptr) reject(key, expected(what, *value));
  return held;
}

std::optional<std::int64_t> Fields::take_int64(std::string_view key, bool required) {
  const Value* value = take(key, required);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = value->as<std::int64_t>()) return *number;
  reject(key, value->as<std::uint64_t>() != nullptr ? "must be less than 2^63"
                                                    : expected_integer(key, *value));
  return std::nullopt;
}

std::optional<std::uint64_t> Fields::take_uint64(std::string_view key, bool required) {
  const Value* value = take(key, required);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = value->as<std::uint64_t>()) return *number;
  const auto* number = value->as<std::int64_t>();
  if (number != nullptr && *number >= 0) return static_cast<std::uint64_t>(*number);
  reject(key, number != nullptr ? "must not be negative" : expected_integer(key, *value));
  return std::nullopt;
}

std::string Fields::string(std::string_view key) {
  const auto* text = take_as<std::string>(key, true, "a string");
  return text == nullptr ? "" : *text;
}

std::int64_t Fields::int64(std::string_view key) {
  return take_int64(key, true).value_or(0);
}

std::uint64_t Fields::uint64(std::string_view key) {
  return take_uint64(key, true).value_or(0);
}

bool Fields::boolean(std::string_view key) {
  const auto* value = take_as<bool>(key, true, "true or false");
  return value != nullptr && *value;
}

std::optional<std::string> Fields::optional_string(std::string_view key) {
  const auto* text = take_as<std::string>(key, false, "a string");
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::optional<std::int64_t> Fields::optional_int64(std::string_view key) {
  return take_int64(key, false);
}

std::optional<std::uint64_t> Fields::optional_uint64(std::string_view key) {
  return take_uint64(key, false);
}

bool Fields::boolean_or(std::string_view key, bool fallback) {
  const auto* value = take_as<bool>(key, false, "true or false");
  return value == nullptr ? fallback : *value;
}

std::map<std::string, std::string> Fields::string_map(std::string_view key) {
  std::map<std::string, std::string> map;
  const auto* members = take_as<Value::Object>(key, false, "an object of strings");
  if (members == nullptr) return map;
  for (const auto& [name, value] : *members) {
    const auto* text = value.as<std::string>();
    if (text == nullptr) {
      reject(std::string(key) + "." + to_utf8(name), expected("a string", value));
      return {};
    }
    map.emplace(name, *text);
  }
  return map;
}

const Value* Fields::object(std::string_view key) {
  return take_object(key, true);
}

const Value* Fields::optional_object(std::string_view key) {
  return take_object(key, false);
}

const Value* Fields::take_object(std::string_view key, bool required) {
  const Value* value = take(key, required);
  if (value == nullptr || value->as<Value::Object>() != nullptr) return value;
  reject(key, expected("an object", *value));
  return nullptr;
}

const Value::Array* Fields::array(std::string_view key) {
  return take_as<Value::Array>(key, true, "an array");
}

const Value::Array* Fields::optional_array(std::string_view key) {
  return take_as<Value::Array>(key, false, "an array");
}

Result<void> Fields::finish() {
  const auto* members = value_.as<Value::Object>();
  if (error_ || ignore_unknown_ || members == nullptr) {
    return error_ ? Result<void>(fail(*error_)) : Result<void>();
  }
  for (const auto& member : *members) {
    if (std::find(seen_.begin(), seen_.end(), member.first) != seen_.end()) continue;
    std::string message = quote(member.first) + " is not a field here; fields: ";
    for (const std::string& name : seen_) {
      message.append(&name == &seen_.front() ? "" : ", ").append(name);
    }
    return fail_field(prefix_ + to_utf8(member.first), std::move(message));
  }
  return {};
}

}  // namespace vbs::json
