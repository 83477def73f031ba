#pragma once

#include <functional>
#include <string>

#include "common/clock.h"
#include "common/http/message.h"

namespace vbs::api {

/// One request to one delegate.
struct DelegateCall {
  std::string node;
  http::Method method = http::Method::get;
  std::string path;  ///< "/v1/exports/<id>"
  std::vector<std::pair<std::string, std::string>> query;
  std::string body;              ///< JSON or ""
  Milliseconds timeout{10'000};  ///< for the whole exchange
};

/// How the front reaches its delegates. An error is `node_unavailable` when the call was surely not
/// carried out, `timeout` when that is unknown; `Error::node` is set. Every answer that arrived,
/// also a problem, is a Response. The callback runs on the front's executor, never inside `call`.
class DelegateClient {
 public:
  using Callback = std::function<void(Result<http::Response>)>;
  virtual ~DelegateClient() = default;
  virtual void call(DelegateCall call, Callback done) = 0;
};

}  // namespace vbs::api
