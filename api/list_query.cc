#include "api/list_query.h"

#include <algorithm>
#include <charconv>

#include "common/names.h"

namespace vbs::api {

namespace {

/// Of decimal digits; nullopt for anything else.
std::optional<std::int64_t> number_from(const std::string& text) {
  const char* const end = text.data() + text.size();
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < 0) return std::nullopt;
  return number;
}

}  // namespace

void ListQuery::read_page() {
  read_limit();
  marker_ = id("marker");
}

void ListQuery::read_numbered_page() {
  read_limit();
  const auto value = text("marker");
  if (!value) return;
  const auto after = number_from(*value);
  if (!after) reject("marker", "must be a number: the `next` of an earlier answer, or a sequence");
  after_ = after.value_or(0);
}

void ListQuery::read_limit() {
  const auto value = text("limit");
  if (!value) return;
  const auto limit = number_from(*value);
  if (!limit || *limit < 1 || *limit > static_cast<std::int64_t>(kMaxLimit))
    return reject("limit", "must be a number from 1 to 1000");
  limit_ = static_cast<std::size_t>(*limit);
}

void ListQuery::read_projects(const Principal& principal) {
  read_project(principal);
  if (!flag("all_projects")) return;
  if (principal.role != Role::admin)
    reject("all_projects", "needs the role admin", ErrorCode::forbidden);
  project_.reset();
}

void ListQuery::read_project(const Principal& principal) {
  const auto project = text("project");
  if (project && *project != principal.project && principal.role != Role::admin)
    reject("project", "needs the role admin", ErrorCode::forbidden);
  if (project) {
    if (auto ok = check_node_name(*project, "project"); !ok) reject("project", ok.error().message);
  }
  project_ = project.value_or(principal.project);
}

std::optional<std::string> ListQuery::text(std::string_view name) {
  seen_.emplace_back(name);
  std::optional<std::string> found;
  for (const auto& [key, value] : request_.query) {
    if (key != name) continue;
    if (found) reject(name, "may stand only once");
    found = value;
  }
  return found;
}

std::optional<Uuid> ListQuery::id(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto id = Uuid::parse(*value);
  if (!id) reject(name, "must be an id (a UUID)");
  return id;
}

std::vector<Uuid> ListQuery::ids(std::string_view name) {
  seen_.emplace_back(name);
  std::vector<Uuid> found;
  for (const auto& [key, value] : request_.query) {
    if (key != name) continue;
    const auto id = Uuid::parse(value);
    if (!id)
      reject(name, "must be an id (a UUID)");
    else
      found.push_back(*id);
  }
  if (found.size() > 100) reject(name, "may stand at most 100 times");
  return found;
}

bool ListQuery::flag(std::string_view name) {
  const auto value = text(name);
  if (!value) return false;
  if (*value != "true" && *value != "false") reject(name, "must be true or false");
  return *value == "true";
}

std::optional<std::pair<std::string, std::string>> ListQuery::pair(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto equals = value->find('=');
  if (equals == std::string::npos || equals == 0) {
    reject(name, "must be KEY=VALUE");
    return std::nullopt;
  }
  return std::pair(value->substr(0, equals), value->substr(equals + 1));
}

std::optional<std::string> ListQuery::prefix() {
  auto value = text("id_prefix");
  if (!value) return std::nullopt;
  const bool hex = value->find_first_not_of("0123456789abcdef-") == std::string::npos;
  if (!hex || value->size() < 4 || value->size() > 36) {
    reject("id_prefix", "must be 4 to 36 characters of an id, lower case");
  }
  return value;
}

void ListQuery::reject(std::string_view name, std::string message, ErrorCode code) {
  if (!error_) error_ = Error{code, std::move(message), std::string(name), {}, {}};
}

Result<void> ListQuery::finish() {
  for (const auto& [key, value] : request_.query) {
    if (std::find(seen_.begin(), seen_.end(), key) == seen_.end()) {
      std::string known;
      for (const std::string& name : seen_) known += (known.empty() ? "" : ", ") + name;
      reject(key, "is not a parameter here; " +
                      (known.empty() ? "there are none" : "parameters: " + known));
    }
  }
  if (error_) return fail(*error_);
  return {};
}

Result<void> check_no_query(const http::Request& request) {
  return ListQuery(request).finish();
}

Result<Uuid> path_id(const http::Request& request, std::string_view name) {
  auto id = Uuid::parse(request.param(name));
  if (!id) return fail_field(std::string(name), "must be an id (a UUID)");
  return *id;
}

}  // namespace vbs::api
