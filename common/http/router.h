#pragma once

#include <string>
#include <vector>

#include "common/http/message.h"

namespace vbs::http {

/// Method and path pattern -> handler. Patterns are literal segments and {name} segments, which
/// match any one non-empty segment; literals win, whatever the method. Unknown path: 404; known
/// path with another method: 405 with Allow. HEAD is answered by GET's handler. Filled at start,
/// then read by any thread.
class Router {
 public:
  struct Route {
    Method method;
    std::string pattern;
  };
  void add(Method method, std::string pattern, Handler handler);
  void handle(Request request, Responder respond) const;
  /// In the order added.
  std::vector<Route> routes() const;
  /// The pattern a request would match, for metrics; "" if none.
  std::string_view pattern_of(Method method, std::string_view path) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> segments;
    Handler handler;
  };
  const Entry* best_pattern(const std::vector<std::string_view>& segments) const;
  const Entry* with_method(const Entry& pattern, Method method) const;
  std::string allowed_methods(const Entry& pattern) const;
  std::vector<Entry> entries_;
};

}  // namespace vbs::http
