#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/authenticator.h"
#include "common/http/message.h"
#include "common/ids.h"

namespace vbs::api {

/// The query parameters of a list, checked one by one; the first error is kept. A parameter that
/// nobody asked for is an error.
class ListQuery {
 public:
  static constexpr std::size_t kDefaultLimit = 100;
  static constexpr std::size_t kMaxLimit = 1000;

  ListQuery(const http::Request& request, const Principal& principal);

  std::optional<std::string> text(std::string_view name);
  std::optional<Uuid> id(std::string_view name);
  std::vector<Uuid> ids(std::string_view name);
  bool flag(std::string_view name);
  /// "KEY=VALUE".
  std::optional<std::pair<std::string, std::string>> pair(std::string_view name);
  /// One of a closed list, through `parse`, which gives nullopt for others.
  template <class T>
  std::optional<T> one_of(std::string_view name, std::optional<T> (*parse)(std::string_view),
                          std::string_view expected) {
    auto value = text(name);
    if (!value) return std::nullopt;
    auto parsed = parse(*value);
    if (!parsed) reject(name, "must be one of " + std::string(expected));
    return parsed;
  }
  /// Hex digits and dashes of the beginning of an id, at least 4.
  std::optional<std::string> prefix();

  std::size_t limit() const { return limit_; }
  const std::optional<Uuid>& marker() const { return marker_; }
  /// The project to show; nullopt for all of them.
  const std::optional<std::string>& project() const { return project_; }
  void reject(std::string_view name, std::string message);
  Result<void> finish();

 private:
  void read_common(const Principal& principal);

  const http::Request& request_;
  std::vector<std::string> seen_;
  std::size_t limit_ = kDefaultLimit;
  std::optional<Uuid> marker_;
  std::optional<std::string> project_;
  std::optional<Error> error_;
};

/// An id from the path; a text that is no id is reported as such.
Result<Uuid> path_id(const http::Request& request, std::string_view name);

}  // namespace vbs::api
