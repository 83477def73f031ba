#include "api/submit.h"

#include <algorithm>

#include "api/operation_answer.h"
#include "api/request_terms.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "db/audit_table.h"
#include "db/idempotency_table.h"

namespace vbs::api {

namespace {

/// What a request begins, or has begun before.
struct Begun {
  db::Operation operation;
  bool repeated = false;
};

/// Runs `intent` unless the request is a repeat, and remembers its key.
db::Database::Job once(const Principal& principal, const RequestTerms& terms,
                       std::shared_ptr<Begun> begun, Intent intent, WallTime now) {
  return [=](db::Transaction& tx) -> Result<void> {
    auto repeat = find_repeat(tx.connection(), principal, terms);
    if (!repeat) return fail(repeat.error());
    if (*repeat) {
      begun->operation.id = **repeat;
      begun->repeated = true;
      return {};
    }
    if (!terms.key.empty()) {
      db::IdempotencyTable(tx.connection())
          .insert(
              {principal.project, principal.name, terms.key, terms.hash, begun->operation.id, now});
    }
    return intent(tx, begun->operation);
  };
}

/// Completes a record with who asked for the change.
void record(db::Transaction& tx, db::AuditRecord record, const Principal& principal,
            const std::string& request_id) {
  record.principal = principal.name;
  record.role = to_string(principal.role);
  record.project = principal.project;
  record.request_id = request_id;
  db::AuditTable(tx.connection()).append(record);
}

}  // namespace

db::Operation Submitter::draft(const Principal& principal, std::string_view kind) const {
  db::Operation operation;
  operation.id = Uuid::generate(services_.clock, services_.random);
  operation.project = principal.project;
  operation.principal = principal.name;
  operation.kind = kind;
  operation.created_at = services_.clock.wall();
  operation.updated_at = operation.created_at;
  operation.step_since = operation.created_at;
  const auto* workflow = services_.workflows.find(kind);
  operation.deadline = operation.created_at + (workflow ? workflow->deadline : Milliseconds(0));
  return operation;
}

/// Whoever deletes and detaches is never turned away: that is what makes room, and there is no more
/// of it than there are resources.
Result<void> Submitter::check_room(db::Connection& connection, std::string_view kind) const {
  if (services_.workflows.find(kind)->gives_back) return {};
  const std::int64_t live = db::OperationTable(connection).count_live();
  if (live < services_.settings.max_operations) return {};
  return fail(ErrorCode::overloaded, std::to_string(live) +
                                         " operations are in work, which is as many as may be "
                                         "(max_operations); try again later");
}

void Submitter::submit(const Principal& principal, const http::Request& request,
                       db::Operation operation, Intent intent, http::Responder respond) const {
  auto terms = read_request_terms(request);
  if (!terms) return respond(http::problem(terms.error()));
  auto begun = std::make_shared<Begun>(Begun{std::move(operation)});
  const WallTime now = begun->operation.created_at;
  const std::string point = begun->operation.kind + ".intent.";

  auto checked = [this, intent = std::move(intent), point, principal, request_id = request.id](
                     db::Transaction& tx, db::Operation& op) -> Result<void> {
    if (auto room = check_room(tx.connection(), op.kind); !room) return room;
    if (auto written = intent(tx, op); !written) return written;
    record(tx, db::audit_record_of(op), principal, request_id);
    fault_point(point + "before-commit");
    return {};
  };
  auto done = [this, begun, point, wait = terms->wait, request_id = request.id,
               respond = std::move(respond)](Result<void> written) {
    if (!written) return respond(http::problem(written.error()));
    fault_point(point + "after-commit");
    const db::Operation& op = begun->operation;
    if (!begun->repeated) {
      log::info("operation begun", {{"operation", op.id.str()},
                                    {"kind", op.kind},
                                    {"principal", op.principal},
                                    {"request", request_id}});
      services_.engine.wake(op.id);
    }
    answer(op.id, wait, operation_answer, respond);
  };
  services_.database.write(once(principal, *terms, begun, std::move(checked), now), std::move(done),
                           services_.executor);
}

void Submitter::amend(const Principal& principal, const http::Request& request, const Uuid& id,
                      std::string_view action, Change change, http::Responder respond) const {
  auto terms = read_request_terms(request);
  if (!terms) return respond(http::problem(terms.error()));
  auto begun = std::make_shared<Begun>();
  begun->operation.id = id;
  const WallTime now = services_.clock.wall();
  auto intent = [change = std::move(change), action = std::string(action), now, principal,
                 request_id = request.id](db::Transaction& tx, db::Operation& op) -> Result<void> {
    auto changed = change(tx);
    if (!changed) return fail(changed.error());
    if (!*changed) return {};
    auto changes = db::audit_record_of(*db::OperationTable(tx.connection()).find(op.id));
    changes.at = now;
    changes.action = action;
    changes.force = false;
    record(tx, std::move(changes), principal, request_id);
    return {};
  };
  auto done = [this, begun, wait = terms->wait,
               respond = std::move(respond)](Result<void> written) {
    if (!written) return respond(http::problem(written.error()));
    services_.engine.wake(begun->operation.id);
    answer(begun->operation.id, wait, amendment_answer, respond);
  };
  services_.database.write(once(principal, *terms, begun, std::move(intent), now), std::move(done),
                           services_.executor);
}

bool Submitter::answered_before(const Principal& principal, const http::Request& request,
                                const http::Responder& respond) const {
  auto terms = read_request_terms(request);
  if (!terms) {
    respond(http::problem(terms.error()));
    return true;
  }
  auto repeat = services_.database.read(
      [&](db::Connection& connection) { return find_repeat(connection, principal, *terms); });
  if (!repeat || !*repeat) {
    respond(http::problem(repeat ? repeat->error() : repeat.error()));
    return true;
  }
  if (!**repeat) return false;
  answer(***repeat, terms->wait, operation_answer, respond);
  return true;
}

void Submitter::answer(const Uuid& operation, Milliseconds wait, Render render,
                       http::Responder respond) const {
  wait_for(operation, wait,
           [&services = services_, operation, render, respond = std::move(respond)] {
             respond(render(services, operation));
           });
}

void Submitter::wait_for(const Uuid& operation, Milliseconds wait,
                         std::function<void()> then) const {
  if (wait.count() == 0) return then();
  // Who waits keeps a place among the requests in work: there must be some left for others.
  const std::size_t most = std::max<std::size_t>(1, services_.settings.server.max_requests / 2);
  if (waiting_->fetch_add(1) >= most) {
    waiting_->fetch_sub(1);
    return then();
  }
  services_.engine.watch(
      operation, wait,
      [waiting = waiting_, then = std::move(then)](const std::optional<db::Operation>&) {
        waiting->fetch_sub(1);
        then();
      });
}

}  // namespace vbs::api
