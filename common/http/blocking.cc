#include "common/http/blocking.h"

#include <exception>
#include <memory>

#include "common/http/text.h"
#include "common/log.h"
#include "common/log_interval.h"

namespace vbs::http {

namespace {

constexpr std::string_view kScheme = "Bearer ";

Response run_guarded(const std::function<Response(const Request&)>& handler,
                     const Request& request) {
  try {
    return handler(request);
  } catch (const std::exception& thrown) {
    log::error("a request handler threw", {{"request", request.id}, {"what", thrown.what()}});
  }
  return problem(Error{ErrorCode::internal, "the request failed inside the service", {}, {}, {}});
}

std::string_view bearer_token(const Request& request) {
  const auto field = request.headers.find("Authorization");
  if (!field || field->size() <= kScheme.size()) return {};
  if (!equal_ignoring_case(field->substr(0, kScheme.size()), kScheme)) return {};
  return field->substr(kScheme.size());
}

}  // namespace

Handler on_pool(ThreadPool& pool, std::function<Response(const Request&)> handler) {
  auto shared = std::make_shared<const std::function<Response(const Request&)>>(std::move(handler));
  return [&pool, shared](Request request, Responder respond) {
    auto owned = std::make_shared<Request>(std::move(request));
    const bool queued =
        pool.try_post([shared, owned, respond] { respond(run_guarded(*shared, *owned)); });
    if (queued) return;
    respond(problem(
        Error{ErrorCode::overloaded, "too much work is queued; try again later", {}, {}, {}}));
  };
}

Offload onto(ThreadPool& pool) {
  return [&pool](auto handler) { return on_pool(pool, std::move(handler)); };
}

Handler require_token(Secret token, Handler inner) {
  return [token = std::move(token), inner = std::move(inner)](Request request, Responder respond) {
    const std::string_view given = bearer_token(request);
    const bool known =
        !token.empty() && !given.empty() && constant_time_equal(given, token.reveal());
    if (known || has_path_prefix(request.path, "/healthz")) {
      inner(std::move(request), std::move(respond));
      return;
    }
    respond(problem(Error{ErrorCode::unauthenticated,
                          "this needs an Authorization field with the service's bearer token",
                          {},
                          {},
                          {}}));
  };
}

Handler require_identity(std::string name, Handler inner) {
  auto refusals = std::make_shared<log::Interval>();
  return [name = std::move(name), inner = std::move(inner), refusals](Request request,
                                                                      Responder respond) {
    if (request.identity && request.identity->is(name)) {
      inner(std::move(request), std::move(respond));
      return;
    }
    const std::string shown = request.identity ? request.identity->str() : "nobody";
    if (refusals->due()) {
      log::warning("a client with another's certificate was refused",
                   {{"peer", request.peer}, {"certificate", shown}, {"wanted", name}});
    }
    respond(problem(Error{ErrorCode::forbidden,
                          "this service takes orders from the certificate of " + name +
                              " only, and was shown that of " + shown,
                          {},
                          {},
                          {}}));
  };
}

}  // namespace vbs::http
