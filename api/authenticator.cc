#include "api/authenticator.h"

#include <sstream>

#include "common/file.h"
#include "common/http/client.h"
#include "common/names.h"
#include "common/secret.h"

namespace vbs::api {

namespace {

constexpr std::size_t kHashLength = 64;

std::optional<Role> role_from(std::string_view text) {
  if (text == "reader") return Role::reader;
  if (text == "member") return Role::member;
  if (text == "admin") return Role::admin;
  return std::nullopt;
}

bool is_hash(std::string_view text) {
  return text.size() == kHashLength &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Where no token is asked for, a page in a browser on this machine could ask as well: from another
/// site, of which the browser tells in Origin, or under a name of its own that leads to loopback.
Result<void> check_local(const http::Request& request) {
  const auto host = request.headers.find("Host");
  const auto named = host ? http::Endpoint::parse("http://" + std::string(*host))
                          : Result<http::Endpoint>(http::Endpoint{"localhost"});
  if (named && http::is_loopback(named->host) && !request.headers.find("Origin")) return {};
  return fail(ErrorCode::forbidden,
              "without tokens_file only programs on this machine are served: no web pages, and the"
              " Host field must be localhost or a loopback address");
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::reader:
      return "reader";
    case Role::member:
      return "member";
    case Role::admin:
      return "admin";
  }
  return "";
}

Authenticator Authenticator::open_to_all() {
  Authenticator authenticator;
  authenticator.open_ = true;
  return authenticator;
}

Result<Authenticator> Authenticator::from_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) return fail(text.error());
  return from_text(*text, path);
}

Result<Authenticator> Authenticator::from_text(const std::string& text, const std::string& name) {
  Authenticator authenticator;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string who, role_text, project, hash, extra;
    if (!(words >> who)) continue;
    words >> role_text >> project >> hash;
    const auto role = role_from(role_text);
    const bool right = role && is_hash(hash) && check_node_name(who, "name") &&
                       check_node_name(project, "project");
    if (!right || words >> extra) {
      return fail(ErrorCode::invalid_field,
                  name + ":" + std::to_string(number) +
                      ": expected NAME reader|member|admin PROJECT SHA256-IN-HEX"
                      " (make one with: vbsd new-token)");
    }
    if (!authenticator.by_hash_.emplace(hash, Principal{who, *role, project}).second) {
      return fail(ErrorCode::invalid_field,
                  name + ":" + std::to_string(number) + ": the same token stands twice");
    }
  }
  if (authenticator.by_hash_.empty())
    return fail(ErrorCode::invalid_field, name + " holds no token");
  return authenticator;
}

Result<Principal> Authenticator::authenticate(const http::Request& request) const {
  if (open_) {
    if (auto local = check_local(request); !local) return fail(local.error());
    return Principal{"anonymous", Role::admin, "default"};
  }
  const auto header = request.headers.find("Authorization");
  if (!header)
    return fail(ErrorCode::unauthenticated,
                "a bearer token is required: Authorization: Bearer TOKEN");
  constexpr std::string_view kScheme = "Bearer ";
  if (!header->starts_with(kScheme)) {
    return fail(ErrorCode::unauthenticated, "the Authorization header must be: Bearer TOKEN");
  }
  // Looked up by its hash: how long the search takes says nothing about the token.
  const auto entry = by_hash_.find(sha256_hex(header->substr(kScheme.size())));
  if (entry == by_hash_.end()) return fail(ErrorCode::unauthenticated, "this token is not known");
  return entry->second;
}

}  // namespace vbs::api
