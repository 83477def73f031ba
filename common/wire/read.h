#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "common/json.h"
#include "common/secret.h"
#include "common/text.h"

/// What the from_json functions of this folder share. Each reader reports into `fields` and returns
/// a default after an error.
namespace vbs::wire {

/// Characters of what a peer says for people.
inline constexpr std::size_t kMaxRemark = 2'000;

Uuid read_uuid(json::Fields& fields, std::string_view key);
std::optional<Uuid> read_optional_uuid(json::Fields& fields, std::string_view key);
std::uint32_t read_uint32(json::Fields& fields, std::string_view key);
/// A name, a state, a path: at most 1,024 bytes, and no control characters. `read_text`: not empty.
std::string read_text(json::Fields& fields, std::string_view key);
std::string read_any_text(json::Fields& fields, std::string_view key);
/// What the peer says for people, or repeats after a guest, a VM or a disk, which must not be able
/// to spoil all that it says: up to kMaxRemark characters of it.
std::string read_remark(json::Fields& fields, std::string_view key);
std::optional<std::string> read_optional_remark(json::Fields& fields, std::string_view key);
/// 1 to 256 printable characters without spaces: what iSCSI's CHAP can carry.
std::string read_chap_word(json::Fields& fields, std::string_view key);
/// 1 or more.
std::int64_t read_generation(json::Fields& fields);
std::string read_checked(json::Fields& fields, std::string_view key,
                         Result<void> (*check)(std::string_view, std::string_view));

/// Puts `prefix` before the field that an inner object complained of.
Error inside(std::string_view prefix, Error error);

template <class T>
T read_object(json::Fields& fields, std::string_view key) {
  const json::Value* value = fields.object(key);
  if (value == nullptr) return {};
  auto inner = T::from_json(*value);
  if (inner) return *std::move(inner);
  fields.reject(inside(key, inner.error()));
  return {};
}

/// `values`: the member's, or null.
template <class T>
std::vector<T> read_objects(json::Fields& fields, std::string_view key,
                            const json::Value::Array* values) {
  std::vector<T> all;
  if (values == nullptr) return all;
  all.reserve(values->size());
  for (const json::Value& value : *values) {
    auto inner = T::from_json(value);
    if (!inner) {
      const std::string place = std::string(key) + "[" + std::to_string(all.size()) + "]";
      fields.reject(inside(place, inner.error()));
      return {};
    }
    all.push_back(*std::move(inner));
  }
  return all;
}

template <class T>
std::vector<T> read_objects(json::Fields& fields, std::string_view key) {
  return read_objects<T>(fields, key, fields.array(key));
}

template <class T>
void write_objects(json::Writer& out, std::string_view key, const std::vector<T>& all) {
  out.key(key);
  out.begin_array();
  for (const T& one : all) one.to_json(out);
  out.end_array();
}

/// The value, if nothing was wrong. Members that nobody asked for are those of a newer peer.
template <class T>
Result<T> finished(json::Fields& fields, T value) {
  fields.ignore_unknown();
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  return value;
}

}  // namespace vbs::wire
