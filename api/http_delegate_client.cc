#include "api/http_delegate_client.h"

#include "common/log.h"

namespace vbs::api {

void HttpDelegateClient::call(DelegateCall call, Callback done) {
  const NodeSettings* node = settings_.find_node(call.node);
  if (!node) {
    Error error{ErrorCode::node_unavailable,
                "node " + call.node + " is not in the configuration any more",
                {},
                call.node,
                {}};
    return done(fail(std::move(error)));
  }
  http::Request request;
  request.method = call.method;
  request.path = std::move(call.path);
  request.query = std::move(call.query);
  request.body = std::move(call.body);
  request.headers.set("Authorization", "Bearer " + token_.reveal());
  if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
  client_.send(node->endpoint, std::move(request), call.timeout,
               [name = call.node, done = std::move(done)](Result<http::Response> answer) {
                 if (answer) return done(std::move(answer));
                 Error error = answer.error();
                 error.node = name;
                 error.message = "node " + name + ": " + error.message;
                 done(fail(std::move(error)));
               });
}

}  // namespace vbs::api
