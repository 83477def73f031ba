#include "api/handlers/operations.h"

#include "api/access.h"
#include "api/list_query.h"
#include "api/render.h"
#include "api/request_terms.h"
#include "db/transitions.h"

namespace vbs::api {

namespace {

/// Whether an operation can still be turned back; an error that says why not.
Result<void> check_cancel(const workflow::Registry& registry, db::Connection& connection,
                          const db::Operation& operation) {
  if (operation.ended_at) {
    return fail(ErrorCode::conflict,
                "the operation has ended: " + std::string(db::to_string(operation.state)));
  }
  if (operation.state == db::OperationState::undoing) {
    return fail(ErrorCode::conflict, "the operation is being undone already");
  }
  const workflow::Workflow* workflow = registry.find(operation.kind);
  const auto facts = workflow::load_facts(connection, operation.id);
  if (!workflow || !facts || workflow::past_no_return(*workflow, operation, *facts)) {
    return fail(ErrorCode::conflict,
                operation.kind + " is past its point of no return and can only go forward");
  }
  return {};
}

}  // namespace

http::Response OperationHandlers::list(const Principal& principal,
                                       const http::Request& request) const {
  ListQuery query(request);
  query.read_page();
  query.read_projects(principal);
  db::OperationFilter filter;
  filter.project = query.project();
  filter.ids = query.ids("id");
  filter.kind = query.text("kind");
  filter.state = query.one_of("state", db::operation_state_from,
                              "running, undoing, succeeded, failed, cancelled");
  filter.live_only = query.flag("live");
  filter.resource = query.id("resource");
  filter.id_prefix = query.prefix();
  if (auto ok = query.finish(); !ok) return http::problem(ok.error());
  filter.limit = query.limit() + 1;

  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    db::OperationTable table(connection);
    const auto start = query.start(table, filter.before_seq);
    if (!start) return fail(start.error());
    filter.before_seq = *start;
    auto operations = table.list(filter);
    const bool more = operations.size() > query.limit();
    if (more) operations.pop_back();
    json::Writer out;
    out.begin_object();
    out.key("operations");
    out.begin_array();
    for (const db::Operation& operation : operations)
      render_operation(out, operation, services_.workflows, nullptr);
    out.end_array();
    render_next(out, more, operations.empty() ? Uuid() : operations.back().id);
    out.end_object();
    return out.take();
  });
}

void OperationHandlers::get(const Principal& principal, const http::Request& request,
                            http::Responder respond) const {
  const auto id = path_id(request, "id");
  if (!id) return respond(http::problem(id.error()));
  const auto wait = preferred_wait(request);
  if (!wait) return respond(http::problem(wait.error()));
  auto answer = [&services = services_, principal, id = *id] {
    return answer_read(services.database, [&](db::Connection& connection) -> Result<std::string> {
      auto operation = visible_operation(connection, principal, id);
      if (!operation) return fail(operation.error());
      const auto events = db::OperationTable(connection).events(operation->seq);
      json::Writer out;
      render_operation(out, *operation, services.workflows, &events);
      return out.take();
    });
  };
  // Who may not see the operation learns nothing from how long the answer takes.
  http::Response now = answer();
  if (now.status != 200 || wait->count() == 0) return respond(std::move(now));
  submitter_.wait_for(*id, *wait, [answer, respond = std::move(respond)] { respond(answer()); });
}

void OperationHandlers::cancel(const Principal& principal, const http::Request& request,
                               http::Responder respond) const {
  auto id = path_id(request, "id");
  if (!id) return respond(http::problem(id.error()));
  auto change = [this, principal, id = *id](db::Transaction& tx) -> Result<bool> {
    auto operation = visible_operation(tx.connection(), principal, id);
    if (!operation) return fail(operation.error());
    if (auto ok = check_cancel(services_.workflows, tx.connection(), *operation); !ok) {
      Error error = ok.error();
      error.operation = id.str();
      return fail(std::move(error));
    }
    if (operation->cancel_requested) return false;
    db::OperationEvent event;
    event.at = services_.clock.wall();
    event.what = "cancel-requested";
    event.message = "by " + principal.name;
    db::OperationTable(tx.connection()).append_event(operation->seq, event);
    if (auto ok = db::request_cancel(tx, operation->seq, event.at); !ok) return fail(ok.error());
    return true;
  };
  submitter_.amend(principal, request, *id, "cancel-operation", std::move(change),
                   std::move(respond));
}

}  // namespace vbs::api
