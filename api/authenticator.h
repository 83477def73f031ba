#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/error.h"
#include "common/http/message.h"

namespace vbs::api {

/// In order of what they may do.
enum class Role {
  reader,  ///< sees its project
  member,  ///< changes its project
  admin,   ///< sees and changes every project
};
std::string_view to_string(Role role);

/// Who asks.
struct Principal {
  std::string name;
  Role role = Role::reader;
  std::string project;

  bool may_see(std::string_view other_project) const {
    return role == Role::admin || project == other_project;
  }
};

/// Bearer tokens (RFC 6750) from a file with one token a line: "NAME ROLE PROJECT SHA256HEX"; '#'
/// begins a comment. Tokens have at least 128 random bits, so a plain SHA-256 hides them well
/// enough; the text itself is kept nowhere. Thread-safe.
class Authenticator {
 public:
  /// Every program is admin of project "default"; for a service that listens on loopback only. What
  /// a browser sends for a web page is forbidden.
  static Authenticator open_to_all();
  static Result<Authenticator> from_file(const std::string& path);
  static Result<Authenticator> from_text(const std::string& text, const std::string& name);

  Result<Principal> authenticate(const http::Request& request) const;
  bool is_open() const { return open_; }

 private:
  bool open_ = false;
  std::map<std::string, Principal, std::less<>> by_hash_;
};

}  // namespace vbs::api
