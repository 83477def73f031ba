#include "common/http/client.h"
#include "common/http/target.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace vbs;
using fuzz::require;

void check_target(std::string_view input) {
  const auto target = http::parse_target(input);
  if (!target || target->path == "*") return;
  require(target->path.starts_with('/') && is_utf8(target->path), "a path is UTF-8 from '/' on");
  require(target->path.find('\0') == std::string::npos, "a path has no NUL");
  require((target->path + "/").find("/../") == std::string::npos, "a path does not climb");
  require(target->query.size() <= 100, "there are at most 100 parameters");
  const auto again = http::parse_target(http::format_target(target->path, target->query));
  require(again && again->path == target->path && again->query == target->query,
          "a target is written as it is read");
}

void check_endpoint(std::string_view input) {
  const auto endpoint = http::Endpoint::parse(input);
  if (!endpoint) return;
  const auto again = http::Endpoint::parse(endpoint->str());
  require(again && again->str() == endpoint->str(), "an endpoint is written as it is read");
  http::is_loopback(endpoint->host);
}

}  // namespace

/// Request targets, and the URLs of services.
void vbs::fuzz::one_input(std::string_view input) {
  check_target(input);
  check_endpoint(input);
}
