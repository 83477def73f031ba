// Every route of the service in one table: method, pattern, the least role, and who answers.

#include "api/front.h"
#include "api/handlers/attachments.h"
#include "api/handlers/audit_records.h"
#include "api/handlers/images.h"
#include "api/handlers/operations.h"
#include "api/handlers/service_info.h"
#include "api/handlers/snapshots.h"
#include "api/handlers/volumes.h"
#include "api/list_query.h"

namespace vbs::api {

namespace {

using http::Method;
using http::Request;
using http::Responder;
using http::Response;

/// All handlers of one front.
struct Handlers {
  Handlers(Services& services, const Reconciler& reconciler,
           const std::function<http::ServerCounters()>& counters)
      : submitter(services),
        volumes(services, submitter),
        snapshots(services, submitter),
        images(services),
        attachments(services, submitter),
        operations(services, submitter),
        audit_records(services),
        info(services, reconciler, counters) {}
  Submitter submitter;
  VolumeHandlers volumes;
  SnapshotHandlers snapshots;
  ImageHandlers images;
  AttachmentHandlers attachments;
  OperationHandlers operations;
  AuditRecordHandlers audit_records;
  ServiceInfoHandlers info;
};

using Answerer = std::function<void(const Handlers&, const Principal&, const Request&, Responder)>;

struct Route {
  RouteRule rule;
  Answerer answer;
  bool takes_parameters = false;  ///< in the query; any is refused where it takes none
};

template <class H>
Answerer now(H Handlers::*group, Response (H::*method)(const Principal&, const Request&) const) {
  return [=](const Handlers& all, const Principal& principal, const Request& request,
             Responder respond) { respond((all.*group.*method)(principal, request)); };
}

template <class H>
Answerer later(H Handlers::*group,
               void (H::*method)(const Principal&, const Request&, Responder) const) {
  return [=](const Handlers& all, const Principal& principal, const Request& request,
             Responder respond) { (all.*group.*method)(principal, request, std::move(respond)); };
}

Answerer open(Response (ServiceInfoHandlers::*method)(const Request&) const) {
  return [=](const Handlers& all, const Principal&, const Request& request, Responder respond) {
    respond((all.info.*method)(request));
  };
}

const std::vector<Route>& routes() {
  using V = VolumeHandlers;
  using S = SnapshotHandlers;
  using A = AttachmentHandlers;
  using O = OperationHandlers;
  using I = ServiceInfoHandlers;
  using H = Handlers;
  constexpr Role reader = Role::reader;
  constexpr Role member = Role::member;
  static const std::vector<Route> table = {
      {{Method::post, "/v1/volumes", member}, later(&H::volumes, &V::create)},
      {{Method::get, "/v1/volumes", reader}, now(&H::volumes, &V::list), true},
      {{Method::get, "/v1/volumes/{id}", reader}, now(&H::volumes, &V::get)},
      {{Method::patch, "/v1/volumes/{id}", member}, later(&H::volumes, &V::modify)},
      {{Method::del, "/v1/volumes/{id}", member}, later(&H::volumes, &V::remove)},
      {{Method::post, "/v1/volumes/{id}/attachments", member}, later(&H::attachments, &A::attach)},
      {{Method::get, "/v1/volumes/{id}/attachments", reader}, now(&H::attachments, &A::list)},
      {{Method::get, "/v1/volumes/{id}/attachments/{attachment_id}", reader},
       now(&H::attachments, &A::get)},
      {{Method::del, "/v1/volumes/{id}/attachments/{attachment_id}", member},
       later(&H::attachments, &A::detach),
       true},
      {{Method::post, "/v1/snapshots", member}, later(&H::snapshots, &S::create)},
      {{Method::get, "/v1/snapshots", reader}, now(&H::snapshots, &S::list), true},
      {{Method::get, "/v1/snapshots/{id}", reader}, now(&H::snapshots, &S::get)},
      {{Method::del, "/v1/snapshots/{id}", member}, later(&H::snapshots, &S::remove)},
      {{Method::get, "/v1/images", reader}, now(&H::images, &ImageHandlers::list)},
      {{Method::get, "/v1/images/{id}", reader}, now(&H::images, &ImageHandlers::get)},
      {{Method::get, "/v1/operations", reader}, now(&H::operations, &O::list), true},
      {{Method::get, "/v1/operations/{id}", reader}, later(&H::operations, &O::get)},
      {{Method::post, "/v1/operations/{id}/cancel", member}, later(&H::operations, &O::cancel)},
      {{Method::get, "/v1/audit-records", Role::admin},
       now(&H::audit_records, &AuditRecordHandlers::list),
       true},
      {{Method::get, "/v1/nodes", reader}, now(&H::info, &I::nodes)},
      {{Method::get, "/v1/vms", reader}, later(&H::info, &I::vms)},
      {{Method::get, "/v1/usage", reader}, now(&H::info, &I::usage), true},
      {{Method::get, "/v1/audit", Role::admin}, now(&H::info, &I::audit)},
      {{Method::get, "/v1/version", reader, true}, open(&I::version)},
      {{Method::get, "/healthz", reader, true}, open(&I::live)},
      {{Method::get, "/healthz/live", reader, true}, open(&I::live)},
      {{Method::get, "/healthz/ready", reader, true}, open(&I::ready)},
      {{Method::get, "/metrics", reader}, later(&H::info, &I::metrics)},
      {{Method::get, "/openapi.json", reader, true}, open(&I::openapi)},
  };
  return table;
}

Result<Principal> admit(const Authenticator& authenticator, const RouteRule& rule,
                        const Request& request) {
  if (rule.open) return Principal{};
  auto principal = authenticator.authenticate(request);
  if (!principal) return principal;
  if (principal->role >= rule.least) return principal;
  return fail(ErrorCode::forbidden, "needs the role " + std::string(to_string(rule.least)) + "; " +
                                        principal->name + " is " +
                                        std::string(to_string(principal->role)));
}

}  // namespace

std::vector<RouteRule> route_rules() {
  std::vector<RouteRule> rules;
  for (const Route& route : routes()) rules.push_back(route.rule);
  return rules;
}

/// Fills a front's router from the table.
class Routes {
 public:
  static void install(Front& front) {
    auto handlers =
        std::make_shared<Handlers>(front.services_, front.reconciler_, front.http_counters_);
    front.handlers_ = handlers;
    for (const Route& route : routes()) {
      front.router_.add(
          route.rule.method, route.rule.pattern,
          [&front, handlers = handlers.get(), &route](Request request, Responder respond) {
            auto principal = admit(front.authenticator_, route.rule, request);
            if (!principal) return respond(http::problem(principal.error()));
            const bool checked = route.takes_parameters || route.rule.open;
            if (auto ok = checked ? Result<void>() : check_no_query(request); !ok)
              return respond(http::problem(ok.error()));
            route.answer(*handlers, *principal, request, std::move(respond));
          });
    }
  }
};

Front::Front(const Settings& settings, Authenticator authenticator, db::Database& database,
             Outside outside)
    : settings_(settings),
      authenticator_(std::move(authenticator)),
      workflows_(settings_.workflows),
      engine_(database, outside.delegates, workflows_, outside.clock, outside.random,
              outside.executor, settings_.engine),
      nodes_(settings_, outside.delegates, outside.clock, outside.executor),
      vms_(nodes_, outside.delegates, settings_.engine.calls_per_node),
      images_(settings_),
      services_{settings_, database, engine_,       workflows_,     nodes_,
                vms_,      images_,  outside.clock, outside.random, outside.executor},
      reconciler_(services_, outside.delegates) {
  Routes::install(*this);
}

Front::~Front() = default;

Result<void> Front::start() {
  if (auto ok = engine_.start(); !ok) return ok;
  nodes_.start();
  reconciler_.start();
  return {};
}

}  // namespace vbs::api
