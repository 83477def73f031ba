#include "cli/json_view.h"

#include "cli/text.h"
#include "common/units.h"

namespace vbs::cli {

std::string text_of(const json::Value& object, std::string_view key) {
  const json::Value* value = object.find(key);
  if (value == nullptr || value->is_null()) return "-";
  if (const auto* text = value->as<std::string>()) return text->empty() ? "-" : *text;
  if (const auto* flag = value->as<bool>()) return *flag ? "yes" : "no";
  return json::to_text(*value);
}

std::string string_of(const json::Value& object, std::string_view key) {
  const json::Value* value = object.find(key);
  const auto* text = value == nullptr ? nullptr : value->as<std::string>();
  return text == nullptr ? "" : *text;
}

std::string size_of(const json::Value& object, std::string_view key) {
  const json::Value* value = object.find(key);
  const auto* bytes = value == nullptr ? nullptr : value->as<std::int64_t>();
  if (bytes == nullptr || *bytes < 0) return "-";
  return format_size(static_cast<std::uint64_t>(*bytes));
}

std::string age_of(const json::Value& object, std::string_view key, WallTime now) {
  const auto time = parse_rfc3339(string_of(object, key));
  return time ? format_age(*time, now) : "-";
}

const json::Value::Array& array_of(const json::Value& object, std::string_view key) {
  static const json::Value::Array empty;
  const json::Value* value = object.find(key);
  const auto* array = value == nullptr ? nullptr : value->as<json::Value::Array>();
  return array == nullptr ? empty : *array;
}

std::string tags_of(const json::Value& object, std::string_view key) {
  const json::Value* value = object.find(key);
  const auto* members = value == nullptr ? nullptr : value->as<json::Value::Object>();
  if (members == nullptr || members->empty()) return "-";
  std::string text;
  for (const auto& [name, tag] : *members) {
    const auto* tag_text = tag.as<std::string>();
    text += (text.empty() ? "" : ", ") + name + "=" + (tag_text == nullptr ? "-" : *tag_text);
  }
  return text;
}

}  // namespace vbs::cli
