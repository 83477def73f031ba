#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/pause.h"
#include "cli/transport.h"
#include "common/json.h"
#include "common/random.h"

namespace vbs::cli {

using Query = std::vector<std::pair<std::string, std::string>>;

/// A request that changes something.
struct Change {
  http::Method method = http::Method::post;
  std::string path;
  Query query;
  std::string body;  ///< JSON, or ""
};

/// The service as the verbs see it: JSON in, JSON or an Error out. Where there is no connection, or
/// it is lost, it is tried again (three times, after 250 ms, 500 ms and 1 s); a change carries an
/// idempotency key of its own, so that the repeat finds the operation of the first try instead of
/// making a second one. timeout: the service may have taken the request.
class Service {
 public:
  Service(std::string url, Transport& transport, Pause& pause, const Clock& clock, Random& random)
      : url_(std::move(url)),
        transport_(transport),
        pause_(pause),
        clock_(clock),
        random_(random) {}

  Result<json::Value> get(const std::string& path, const Query& query = {});
  /// An operation, once it has ended or `wait` whole seconds have passed; a service that is busy,
  /// or does not know how to wait, answers at once.
  Result<json::Value> get_operation(const std::string& id, std::chrono::seconds wait);
  Result<json::Value> change(const Change& change);
  /// Every page of a list, or as many of its elements as `limit` says. `member` names the array.
  Result<json::Value::Array> list(const std::string& path, const std::string& member, Query query,
                                  std::optional<std::size_t> limit = std::nullopt);
  /// A list that always comes in one piece.
  Result<json::Value::Array> list_whole(const std::string& path, const std::string& member);
  const std::string& url() const { return url_; }

 private:
  Result<http::Response> send_again_while_lost(const http::Request& request);
  Result<json::Value> exchange(const http::Request& request);
  Error explain(Error error) const;

  std::string url_;
  Transport& transport_;
  Pause& pause_;
  const Clock& clock_;
  Random& random_;
};

/// The Error that an answer with a status of 400 or more stands for; also when it is no
/// problem+json, as from a proxy in between.
Error error_of_answer(const http::Response& answer);

}  // namespace vbs::cli
