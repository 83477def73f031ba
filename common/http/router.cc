#include "common/http/router.h"

#include <algorithm>

namespace vbs::http {

namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string_view>& segments) {
  if (pattern.size() != segments.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool ok = is_parameter(pattern[i]) ? !segments[i].empty() : pattern[i] == segments[i];
    if (!ok) return false;
  }
  return true;
}

/// Of two patterns that fit the same path, the one whose first differing segment is literal.
bool more_literal(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool a_literal = !is_parameter(a[i]);
    if (a_literal == is_parameter(b[i])) return a_literal;
  }
  return false;
}

/// Whether two patterns fit the same paths; the names of their parameters may differ.
bool same_shape(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x == y || (is_parameter(x) && is_parameter(y));
  });
}

}  // namespace

void Router::add(Method method, std::string pattern, Handler handler) {
  Entry entry;
  for (std::string_view segment : split(pattern)) entry.segments.emplace_back(segment);
  entry.route = Route{method, std::move(pattern)};
  entry.handler = std::move(handler);
  entries_.push_back(std::move(entry));
}

const Router::Entry* Router::best_pattern(const std::vector<std::string_view>& segments) const {
  const Entry* best = nullptr;
  for (const Entry& entry : entries_) {
    if (!fits(entry.segments, segments)) continue;
    if (!best || more_literal(entry.segments, best->segments)) best = &entry;
  }
  return best;
}

const Router::Entry* Router::with_method(const Entry& pattern, Method method) const {
  if (method == Method::head) method = Method::get;
  for (const Entry& entry : entries_) {
    if (entry.route.method == method && same_shape(entry.segments, pattern.segments)) return &entry;
  }
  return nullptr;
}

std::string Router::allowed_methods(const Entry& pattern) const {
  std::string allow;
  for (const Entry& entry : entries_) {
    if (!same_shape(entry.segments, pattern.segments)) continue;
    if (!allow.empty()) allow += ", ";
    allow += to_string(entry.route.method);
    if (entry.route.method == Method::get) allow += ", HEAD";
  }
  return allow;
}

void Router::handle(Request request, Responder respond) const {
  const std::vector<std::string_view> segments = split(request.path);
  const Entry* pattern = best_pattern(segments);
  if (!pattern) {
    respond(problem(Error{ErrorCode::not_found, "no resource at this path", {}, {}, {}}));
    return;
  }
  const Entry* entry = with_method(*pattern, request.method);
  if (!entry) {
    std::string allow = allowed_methods(*pattern);
    Response response = problem(
        Error{ErrorCode::method_not_allowed, "this resource answers only " + allow, {}, {}, {}});
    response.headers.set("Allow", std::move(allow));
    respond(std::move(response));
    return;
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string_view segment = entry->segments[i];
    if (!is_parameter(segment)) continue;
    request.params.emplace(segment.substr(1, segment.size() - 2), segments[i]);
  }
  entry->handler(std::move(request), std::move(respond));
}

std::vector<Router::Route> Router::routes() const {
  std::vector<Route> routes;
  for (const Entry& entry : entries_) routes.push_back(entry.route);
  return routes;
}

std::string_view Router::pattern_of(Method method, std::string_view path) const {
  const Entry* pattern = best_pattern(split(path));
  const Entry* entry = pattern ? with_method(*pattern, method) : nullptr;
  return entry ? std::string_view(entry->route.pattern) : std::string_view();
}

}  // namespace vbs::http
