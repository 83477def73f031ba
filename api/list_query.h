#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/authenticator.h"
#include "common/http/message.h"
#include "common/ids.h"

namespace vbs::api {

/// The query parameters of a request, checked one by one; the first error is kept. A parameter that
/// nobody asked for is an error.
class ListQuery {
 public:
  static constexpr std::size_t kDefaultLimit = 100;
  static constexpr std::size_t kMaxLimit = 1000;

  explicit ListQuery(const http::Request& request) : request_(request) {}

  /// `limit` and `marker`, of lists that come in pages.
  void read_page();
  /// The same where the marker is a number: the page starts behind it, whether or not there is such
  /// a row.
  void read_numbered_page();
  /// `project` and `all_projects`, which only admins may use for more than their own project.
  void read_projects(const Principal& principal);
  /// `project` alone.
  void read_project(const Principal& principal);
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
  /// Of a numbered page; 0 is the beginning.
  std::int64_t after() const { return after_; }
  /// The project to show; nullopt for all of them.
  const std::optional<std::string>& project() const { return project_; }
  /// Where the page starts: behind the row of the marker, which must be one that the list may show.
  template <class Table>
  Result<std::int64_t> start(Table&& table, std::int64_t without_marker) const {
    if (!marker_) return without_marker;
    const auto seq = table.seq_of(*marker_, project_);
    if (!seq) return fail_field("marker", "must be the `next` of an earlier answer");
    return *seq;
  }
  void reject(std::string_view name, std::string message,
              ErrorCode code = ErrorCode::invalid_field);
  Result<void> finish();

 private:
  void read_limit();

  const http::Request& request_;
  std::vector<std::string> seen_;
  std::size_t limit_ = kDefaultLimit;
  std::optional<Uuid> marker_;
  std::int64_t after_ = 0;
  std::optional<std::string> project_;
  std::optional<Error> error_;
};

/// For requests without parameters.
Result<void> check_no_query(const http::Request& request);

/// An id from the path; a text that is no id is reported as such.
Result<Uuid> path_id(const http::Request& request, std::string_view name);

}  // namespace vbs::api
