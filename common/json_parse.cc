#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "common/json.h"
#include "common/text.h"

namespace vbs::json {
namespace {

tl::unexpected<Error> bad_json(std::string_view what, std::size_t offset) {
  return fail(ErrorCode::invalid_request,
              "not valid JSON at byte " + std::to_string(offset) + ": " + std::string(what));
}

// Of the members' names, one that stands there twice.
const std::string* duplicate_key(const Value::Object& members) {
  std::vector<const std::string*> keys;
  keys.reserve(members.size());
  for (const auto& member : members) keys.push_back(&member.first);
  const auto less = [](const auto* a, const auto* b) { return *a < *b; };
  const auto equal = [](const auto* a, const auto* b) { return *a == *b; };
  std::sort(keys.begin(), keys.end(), less);
  const auto found = std::adjacent_find(keys.begin(), keys.end(), equal);
  return found == keys.end() ? nullptr : *found;
}

template <class Number>
std::optional<Number> read_whole(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Nothing where even a double cannot hold it.
std::optional<Value> number_of(std::string_view text) {
  if (const auto integer = read_whole<std::int64_t>(text)) return Value(*integer);
  if (const auto large = read_whole<std::uint64_t>(text)) return Value(*large);
  const auto real = read_whole<double>(text);
  if (!real || !std::isfinite(*real)) return std::nullopt;
  return Value(*real);
}

/// Takes the parser's events and builds the value; a handler that returns false ends the parse, and
/// `refusal` says why.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  explicit Builder(const Limits& limits) : limits_(limits) {}

  bool Null() { return add(Value()); }
  bool Bool(bool value) { return add(Value(value)); }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    std::string string(text, length);
    return check_utf8(string) && add(Value(std::move(string)));
  }
  bool StartObject() { return open(true); }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    Frame& frame = frames_.back();
    frame.members.emplace_back(std::string(text, length), Value());
    return check_utf8(frame.members.back().first);
  }
  bool EndObject(rapidjson::SizeType) {
    if (const auto* key = duplicate_key(frames_.back().members)) {
      return refuse("the member " + quote(*key) + " stands twice in one object");
    }
    return close(Value(std::move(frames_.back().members)));
  }
  bool StartArray() { return open(false); }
  bool EndArray(rapidjson::SizeType) { return close(Value(std::move(frames_.back().items))); }
  // The library's own conversion shifts by amounts that C++ does not define ("0e-40"), and makes an
  // infinity of what is slightly too large.
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    auto number = number_of({text, length});
    return number ? add(*std::move(number)) : refuse("a number is out of range");
  }
  /// Of what is not expected: numbers in other forms.
  bool Default() { return refuse("unexpected number"); }

  const std::string& refusal() const { return refusal_; }
  Value take() { return std::move(root_); }

 private:
  struct Frame {
    bool is_object = false;
    Value::Object members;
    Value::Array items;
  };

  bool refuse(std::string why) {
    refusal_ = std::move(why);
    return false;
  }

  // The parser checks the bytes it copies, but lets "\udc00" alone make a surrogate.
  bool check_utf8(const std::string& text) {
    return is_utf8(text) || refuse("a string is not valid UTF-8 (half a surrogate pair?)");
  }

  bool count() {
    if (++values_ <= limits_.max_values) return true;
    return refuse("more than " + std::to_string(limits_.max_values) + " values");
  }

  void place(Value value) {
    if (frames_.empty()) {
      root_ = std::move(value);
    } else if (frames_.back().is_object) {
      frames_.back().members.back().second = std::move(value);
    } else {
      frames_.back().items.push_back(std::move(value));
    }
  }

  bool add(Value value) {
    if (!count()) return false;
    place(std::move(value));
    return true;
  }

  bool open(bool is_object) {
    if (!count()) return false;
    if (frames_.size() >= limits_.max_depth) {
      return refuse("nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
    frames_.emplace_back().is_object = is_object;
    return true;
  }

  bool close(Value value) {
    frames_.pop_back();
    place(std::move(value));
    return true;
  }

  const Limits& limits_;
  std::size_t values_ = 0;
  std::vector<Frame> frames_;
  Value root_;
  std::string refusal_;
};

}  // namespace

Result<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes) {
    return fail(ErrorCode::request_too_large,
                "the JSON text is " + std::to_string(text.size()) + " bytes, at most " +
                    std::to_string(limits.max_bytes) + " are accepted");
  }
  // The parser takes a NUL for the end of the text and would not look at what follows.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return bad_json("a NUL byte", nul);
  }
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag |
                              rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  Builder builder(limits);
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
  if (!builder.refusal().empty()) return bad_json(builder.refusal(), result.Offset());
  if (result.IsError()) {
    return bad_json(rapidjson::GetParseError_En(result.Code()), result.Offset());
  }
  return builder.take();
}

}  // namespace vbs::json
