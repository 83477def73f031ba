#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"

namespace vbs::http {

using QueryList = std::vector<std::pair<std::string, std::string>>;

/// A request target taken apart: path and query, each percent-decoded once (RFC 3986).
struct Target {
  std::string path;
  QueryList query;
};

/// Origin form ("/v1/volumes?limit=5"), absolute form ("http://host/v1/volumes") or "*". Refused as
/// `invalid_request`: bad percent-encoding, an encoded '/', control characters (NUL among them),
/// "." and ".." segments, text that is no UTF-8, a fragment, more than 100 query parameters. A '+'
/// is a plus sign, not a space.
Result<Target> parse_target(std::string_view raw);

/// The inverse, for the client: every byte of the path but unreserved characters and '/', and of
/// the query but unreserved characters, is percent-encoded.
std::string format_target(std::string_view path, const QueryList& query);

}  // namespace vbs::http
