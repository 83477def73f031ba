#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

#include "common/json.h"
#include "common/text.h"

namespace vbs::json {
namespace {

rapidjson::SizeType length_of(std::string_view text) {
  return static_cast<rapidjson::SizeType>(text.size());
}

// A view may point to nothing, which the library does not take for an empty text.
const char* data_of(std::string_view text) {
  return text.empty() ? "" : text.data();
}

void write_value(Writer& out, const Value& value);

struct ValueVisitor {
  Writer& out;

  void operator()(bool value) const { out.boolean(value); }
  void operator()(std::int64_t value) const { out.integer(value); }
  void operator()(std::uint64_t value) const { out.uinteger(value); }
  void operator()(double value) const { out.number(value); }
  void operator()(const std::string& value) const { out.string(value); }
  void operator()(const Value::Array& items) const {
    out.begin_array();
    for (const Value& item : items) write_value(out, item);
    out.end_array();
  }
  void operator()(const Value::Object& members) const {
    out.begin_object();
    for (const auto& [name, value] : members) {
      out.key(name);
      write_value(out, value);
    }
    out.end_object();
  }
};

template <class T>
bool write_if(const ValueVisitor& visitor, const Value& value) {
  const T* held = value.as<T>();
  if (held != nullptr) visitor(*held);
  return held != nullptr;
}

// Recursion is bounded by Limits::max_depth, or by whoever built the value.
void write_value(Writer& out, const Value& value) {
  const ValueVisitor visitor{out};
  const bool written = write_if<bool>(visitor, value) || write_if<std::int64_t>(visitor, value) ||
                       write_if<std::uint64_t>(visitor, value) ||
                       write_if<double>(visitor, value) || write_if<std::string>(visitor, value) ||
                       write_if<Value::Array>(visitor, value) ||
                       write_if<Value::Object>(visitor, value);
  if (!written) out.null();
}

}  // namespace

struct Writer::Impl {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
};

Writer::Writer() : impl_(std::make_unique<Impl>()) {}
Writer::~Writer() = default;

void Writer::begin_object() {
  impl_->writer.StartObject();
}
void Writer::end_object() {
  impl_->writer.EndObject();
}
void Writer::begin_array() {
  impl_->writer.StartArray();
}
void Writer::end_array() {
  impl_->writer.EndArray();
}

void Writer::key(std::string_view name) {
  impl_->writer.Key(data_of(name), length_of(name));
}

void Writer::string(std::string_view value) {
  if (is_utf8(value)) {
    impl_->writer.String(data_of(value), length_of(value));
    return;
  }
  const std::string repaired = to_utf8(value);
  impl_->writer.String(repaired.data(), length_of(repaired));
}

void Writer::integer(std::int64_t value) {
  impl_->writer.Int64(value);
}
void Writer::uinteger(std::uint64_t value) {
  impl_->writer.Uint64(value);
}

void Writer::number(double value) {
  // JSON has no infinities and no NaN; the library would leave the place empty.
  std::isfinite(value) ? impl_->writer.Double(value) : impl_->writer.Null();
}

void Writer::boolean(bool value) {
  impl_->writer.Bool(value);
}
void Writer::null() {
  impl_->writer.Null();
}

void Writer::raw(std::string_view json) {
  impl_->writer.RawValue(data_of(json), json.size(), rapidjson::kObjectType);
}

void Writer::member(std::string_view name, const std::map<std::string, std::string>& value) {
  key(name);
  begin_object();
  for (const auto& [entry_name, entry] : value) member(entry_name, entry);
  end_object();
}

std::string Writer::take() {
  std::string text(impl_->buffer.GetString(), impl_->buffer.GetSize());
  impl_->buffer.Clear();
  impl_->writer.Reset(impl_->buffer);
  return text;
}

std::string to_text(const Value& value) {
  Writer out;
  write_value(out, value);
  return out.take();
}

}  // namespace vbs::json
