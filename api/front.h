#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "api/authenticator.h"
#include "api/delegate_client.h"
#include "api/node_registry.h"
#include "api/reconcile/reconciler.h"
#include "api/services.h"
#include "api/settings.h"
#include "common/http/router.h"
#include "common/http/server.h"

namespace vbs::api {

/// The whole front service but for the network in front of it and the outside around it: give it a
/// simulated clock, executor and delegates, and it runs the same, byte for byte.
class Front {
 public:
  struct Outside {
    DelegateClient& delegates;
    const Clock& clock;
    Random& random;
    Executor& executor;
  };
  Front(const Settings& settings, Authenticator authenticator, db::Database& database,
        Outside outside);
  ~Front();

  /// Resumes the journal, begins polling nodes and sweeping. Call on the executor, once.
  Result<void> start();
  /// Answers one request; any thread.
  void handle(http::Request request, http::Responder respond) const {
    router_.handle(std::move(request), std::move(respond));
  }
  const http::Router& router() const { return router_; }
  /// Where /metrics takes the network's figures from, on the executor; set before serving.
  void set_http_counters(std::function<http::ServerCounters()> counters) {
    http_counters_ = std::move(counters);
  }

 private:
  friend class Routes;
  Settings settings_;
  Authenticator authenticator_;
  workflow::Registry workflows_;
  workflow::Engine engine_;
  NodeRegistry nodes_;
  VmDirectory vms_;
  ImageCatalog images_;
  Services services_;
  Reconciler reconciler_;
  std::function<http::ServerCounters()> http_counters_;
  std::shared_ptr<void> handlers_;  ///< what the routes call
  http::Router router_;
};

/// One route with the least role it takes; `open` ones need no token.
struct RouteRule {
  http::Method method;
  std::string pattern;
  Role least = Role::reader;
  bool open = false;
};
/// Every route there is; docs/api/openapi.yaml is held against it.
std::vector<RouteRule> route_rules();

}  // namespace vbs::api
