#include "common/http/target.h"

#include <algorithm>
#include <optional>

#include "common/names.h"

namespace vbs::http {

namespace {

constexpr std::size_t kMaxQueryParameters = 100;
constexpr std::string_view kHex = "0123456789ABCDEF";

tl::unexpected<Error> refuse(const char* message) {
  return fail(ErrorCode::invalid_request, message);
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

/// An encoded '/' would turn one segment into two for whoever splits the decoded path.
enum class Slash { allowed, refused };

Result<std::string> decode(std::string_view raw, Slash encoded_slash) {
  std::string text;
  text.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      text.push_back(raw[i]);
      continue;
    }
    if (i + 2 >= raw.size()) return refuse("the request target ends inside a percent-encoding");
    const auto high = hex_digit(raw[i + 1]);
    const auto low = hex_digit(raw[i + 2]);
    if (!high || !low) {
      return refuse("'%' in the request target must be followed by two hexadecimal digits");
    }
    const char c = static_cast<char>(*high * 16 + *low);
    if (c == '/' && encoded_slash == Slash::refused) {
      return refuse("the path must not contain an encoded '/'");
    }
    text.push_back(c);
    i += 2;
  }
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return refuse("the request target must not contain control characters");
  }
  if (!is_utf8(text)) return refuse("the request target must be UTF-8");
  return text;
}

Result<std::string> decode_path(std::string_view raw) {
  auto path = decode(raw, Slash::refused);
  if (!path) return path;
  std::string_view rest = *path;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment == "." || segment == "..") {
      return refuse("the path must not contain '.' or '..' segments");
    }
    rest.remove_prefix(segment.size());
  }
  return path;
}

Result<QueryList> decode_query(std::string_view raw) {
  QueryList query;
  while (!raw.empty()) {
    const std::string_view pair = raw.substr(0, raw.find('&'));
    raw.remove_prefix(std::min(raw.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (query.size() == kMaxQueryParameters) return refuse("more than 100 query parameters");
    const std::size_t equals = pair.find('=');
    auto name = decode(pair.substr(0, equals), Slash::allowed);
    if (!name) return fail(name.error());
    std::string value;
    if (equals != std::string_view::npos) {
      auto decoded = decode(pair.substr(equals + 1), Slash::allowed);
      if (!decoded) return fail(decoded.error());
      value = std::move(*decoded);
    }
    query.emplace_back(std::move(*name), std::move(value));
  }
  return query;
}

void append_encoded(std::string& out, std::string_view text, bool keep_slash) {
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
}

}  // namespace

Result<Target> parse_target(std::string_view raw) {
  Target target;
  if (raw == "*") {
    target.path = "*";
    return target;
  }
  if (raw.starts_with("http://")) {
    const std::size_t slash = raw.find('/', 7);
    if (slash == std::string_view::npos) return refuse("the request target has no path");
    raw.remove_prefix(slash);
  }
  if (!raw.starts_with('/')) return refuse("the request target must start with '/'");
  if (raw.find('#') != std::string_view::npos) {
    return refuse("the request target must not contain a fragment");
  }
  const std::size_t question = raw.find('?');
  auto path = decode_path(raw.substr(0, question));
  if (!path) return fail(path.error());
  target.path = std::move(*path);
  if (question == std::string_view::npos) return target;
  auto query = decode_query(raw.substr(question + 1));
  if (!query) return fail(query.error());
  target.query = std::move(*query);
  return target;
}

std::string format_target(std::string_view path, const QueryList& query) {
  std::string out;
  out.reserve(path.size() + 16);
  append_encoded(out, path, true);
  char separator = '?';
  for (const auto& [name, value] : query) {
    out.push_back(separator);
    append_encoded(out, name, false);
    out.push_back('=');
    append_encoded(out, value, false);
    separator = '&';
  }
  return out;
}

}  // namespace vbs::http
