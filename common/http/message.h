#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"

namespace vbs::http {

enum class Method { get, head, post, put, del, patch, options, other };
std::string_view to_string(Method method);

/// Header fields in order; names compare without case (RFC 9110, section 5.1).
class Headers {
 public:
  /// Replaces a field of that name, or adds it.
  void set(std::string name, std::string value);
  /// Adds a field even if there is one of that name.
  void add(std::string name, std::string value);
  /// The first field of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Who the certificate of a TLS peer is for. Only certificates of the configured CA come this far.
struct Identity {
  std::string common_name;
  std::vector<std::string> dns_names;
  bool is(std::string_view name) const;
  /// For logs and messages: the common name, else the first DNS name, else "nobody".
  std::string str() const;
};

struct Request {
  Method method = Method::get;
  std::string path;                                        ///< percent-decoded once, no query
  std::vector<std::pair<std::string, std::string>> query;  ///< percent-decoded, in order
  Headers headers;
  std::string body;
  std::string peer;                                        ///< "127.0.0.1:40112"
  std::shared_ptr<const Identity> identity;                ///< of the client; none without TLS
  std::string id;                                          ///< request id, for logs and answers
  std::map<std::string, std::string, std::less<>> params;  ///< {name} parts, set by the router

  /// First value of a query parameter.
  std::optional<std::string_view> query_value(std::string_view name) const;
  /// A {name} part of the route; "" if the route has none of that name.
  const std::string& param(std::string_view name) const;
};

struct Response {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  Headers headers;  ///< beyond Content-Type, Content-Length, Date and Connection
};

/// Answers one request: exactly one call, from any thread, at any time.
using Responder = std::function<void(Response)>;
using Handler = std::function<void(Request, Responder)>;

/// 204 without a body, or 200 with JSON.
Response no_content();
Response json(unsigned status, std::string body);
/// RFC 9457 problem+json of an error: type, title, status, detail, code, and where known field,
/// node, operation. 503 carries Retry-After: 1, 401 WWW-Authenticate: Bearer.
Response problem(const Error& error);
/// The Error inside a problem+json answer; a body that is none gives an `internal` that says so.
Error error_of(const Response& response);

}  // namespace vbs::http
