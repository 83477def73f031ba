#include "api/submit.h"

#include <algorithm>
#include <charconv>

#include "api/access.h"
#include "api/render.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/names.h"
#include "common/secret.h"
#include "db/audit_table.h"
#include "db/idempotency_table.h"

namespace vbs::api {

namespace {

constexpr std::int64_t kLongestWaitSeconds = 60;

/// The parts of a request that decide how it is carried out beside its body.
struct Terms {
  std::string key;
  std::string hash;
  Milliseconds wait{0};
};

Result<Terms> read_terms(const http::Request& request) {
  Terms terms;
  auto wait = preferred_wait(request);
  if (!wait) return fail(wait.error());
  terms.wait = *wait;
  if (const auto key = request.headers.find("Idempotency-Key")) {
    if (auto ok = check_idempotency_key(*key); !ok) return fail(ok.error());
    terms.key = *key;
    std::string whole = std::string(to_string(request.method)) + " " + request.path + "?";
    for (const auto& [name, value] : request.query) whole += name + "=" + value + "&";
    terms.hash = sha256_hex(whole + "\n" + request.body);
  }
  return terms;
}

/// The operation an earlier request with the same key made, if any.
Result<std::optional<Uuid>> find_repeat(db::Connection& connection, const Principal& principal,
                                        const Terms& terms) {
  if (terms.key.empty()) return std::optional<Uuid>();
  const auto known =
      db::IdempotencyTable(connection).find(principal.project, principal.name, terms.key);
  if (!known) return std::optional<Uuid>();
  // What the principal may do can have changed since.
  if (auto seen = visible_operation(connection, principal, known->operation); !seen)
    return fail(seen.error());
  if (known->request_hash != terms.hash) {
    return fail(
        {ErrorCode::idempotency_mismatch,
         "this Idempotency-Key was used for another request; use a fresh key for a new request",
         "Idempotency-Key",
         {},
         known->operation.str()});
  }
  return std::optional(known->operation);
}

void render_resource(json::Writer& out, db::Connection& connection,
                     const db::Operation& operation) {
  if (!operation.attachment.is_nil() && operation.snapshot.is_nil()) {
    if (auto attachment = db::AttachmentTable(connection).find(operation.attachment)) {
      out.key("attachment");
      render_attachment_of(out, connection, *attachment);
    }
  }
  if (!operation.snapshot.is_nil()) {
    if (auto snapshot = db::SnapshotTable(connection).find(operation.snapshot)) {
      out.key("snapshot");
      render_snapshot_of(out, connection, *snapshot);
    }
  } else if (!operation.volume.is_nil()) {
    if (auto volume = db::VolumeTable(connection).find(operation.volume)) {
      out.key("volume");
      render_volume_of(out, connection, *volume);
    }
  }
}

http::Response problem_of(const db::Operation& operation) {
  Error error =
      operation.error.value_or(Error{ErrorCode::internal, "the operation failed", {}, {}, {}});
  error.operation = operation.id.str();
  error.message = operation.kind + (operation.state == db::OperationState::cancelled
                                        ? " was cancelled"
                                        : " failed: " + error.message);
  return http::problem(error);
}

http::Response answer_of(Services& services, const Uuid& id) {
  std::optional<db::Operation> operation;
  auto body = services.database.read([&](db::Connection& connection) {
    json::Writer out;
    operation = db::OperationTable(connection).find(id);
    if (!operation) return std::string();
    out.begin_object();
    out.key("operation");
    render_operation(out, *operation, services.workflows, nullptr);
    render_resource(out, connection, *operation);
    out.end_object();
    return out.take();
  });
  if (!body) return http::problem(body.error());
  if (!operation)
    return http::problem(
        {ErrorCode::not_found, "operation " + id.str() + " is no longer kept", {}, {}, {}});
  const bool failed = operation->ended_at && operation->state != db::OperationState::succeeded;
  if (failed) return problem_of(*operation);
  http::Response response = http::json(operation->ended_at ? 200 : 202, std::move(*body));
  response.headers.set("Location", "/v1/operations/" + id.str());
  return response;
}

/// The operation alone: what became of it is no success or failure of the request.
http::Response amended_answer(Services& services, const Uuid& id) {
  bool ended = false;
  http::Response response =
      answer_read(services.database, [&](db::Connection& connection) -> Result<std::string> {
        auto operation = db::OperationTable(connection).find(id);
        if (!operation)
          return fail(ErrorCode::not_found, "operation " + id.str() + " is no longer kept");
        ended = operation->ended_at.has_value();
        json::Writer out;
        out.begin_object();
        out.key("operation");
        render_operation(out, *operation, services.workflows, nullptr);
        out.end_object();
        return out.take();
      });
  if (response.status == 200 && !ended) response.status = 202;
  return response;
}

/// What a request begins, or has begun before.
struct Begun {
  db::Operation operation;
  bool repeated = false;
};

/// Runs `intent` unless the request is a repeat, and remembers its key.
db::Database::Job once(const Principal& principal, const Terms& terms, std::shared_ptr<Begun> begun,
                       Intent intent, WallTime now) {
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

Result<Milliseconds> preferred_wait(const http::Request& request) {
  const auto prefer = request.headers.find("Prefer");
  if (!prefer) return Milliseconds(0);
  const auto at = prefer->find("wait=");
  if (at == std::string_view::npos)
    return Milliseconds(0);  // RFC 7240: unknown preferences are ignored
  std::int64_t seconds = -1;
  const std::string_view digits = prefer->substr(at + 5);
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (result.ec != std::errc() || seconds < 0) {
    return fail_field("Prefer", "must be wait=SECONDS");
  }
  return Milliseconds(std::min(seconds, kLongestWaitSeconds) * 1000);
}

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
  auto terms = read_terms(request);
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
    answer(op.id, wait, answer_of, respond);
  };
  services_.database.write(once(principal, *terms, begun, std::move(checked), now), std::move(done),
                           services_.executor);
}

void Submitter::amend(const Principal& principal, const http::Request& request, const Uuid& id,
                      std::string_view action, Change change, http::Responder respond) const {
  auto terms = read_terms(request);
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
    answer(begun->operation.id, wait, amended_answer, respond);
  };
  services_.database.write(once(principal, *terms, begun, std::move(intent), now), std::move(done),
                           services_.executor);
}

bool Submitter::answered_before(const Principal& principal, const http::Request& request,
                                const http::Responder& respond) const {
  auto terms = read_terms(request);
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
  answer(***repeat, terms->wait, answer_of, respond);
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
