#pragma once

#include <functional>

#include "api/reconcile/reconciler.h"
#include "api/services.h"
#include "common/http/server.h"

namespace vbs::api {

/// What the service says about itself and its surroundings: nodes, VMs, usage, audit, health,
/// metrics.
class ServiceInfoHandlers {
 public:
  ServiceInfoHandlers(Services& services, const Reconciler& reconciler,
                      const std::function<http::ServerCounters()>& http_counters)
      : services_(services), reconciler_(reconciler), http_counters_(http_counters) {}

  http::Response nodes(const Principal& principal, const http::Request& request) const;
  void vms(const Principal& principal, const http::Request& request, http::Responder respond) const;
  http::Response usage(const Principal& principal, const http::Request& request) const;
  http::Response audit(const Principal& principal, const http::Request& request) const;
  http::Response live(const http::Request& request) const;
  http::Response ready(const http::Request& request) const;
  void metrics(const Principal& principal, const http::Request& request,
               http::Responder respond) const;
  http::Response version(const http::Request& request) const;
  http::Response openapi(const http::Request& request) const;

 private:
  http::Response metrics_now() const;

  Services& services_;
  const Reconciler& reconciler_;
  const std::function<http::ServerCounters()>& http_counters_;
};

}  // namespace vbs::api
