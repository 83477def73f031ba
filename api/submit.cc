#include "api/submit.h"

#include <charconv>

#include "api/render.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/names.h"
#include "common/secret.h"
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

Result<Milliseconds> read_wait(const http::Request& request) {
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

Result<Terms> read_terms(const http::Request& request) {
  Terms terms;
  auto wait = read_wait(request);
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
  const auto known = db::IdempotencyTable(connection).find(principal.name, terms.key);
  if (!known) return std::optional<Uuid>();
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

void Submitter::submit(const Principal& principal, const http::Request& request,
                       db::Operation operation, Intent intent, http::Responder respond) const {
  auto terms = read_terms(request);
  if (!terms) return respond(http::problem(terms.error()));
  auto begun = std::make_shared<db::Operation>(std::move(operation));
  auto repeated = std::make_shared<bool>(false);
  const std::string before = begun->kind + ".intent.before-commit";
  const std::string after = begun->kind + ".intent.after-commit";

  auto job = [=, terms = *terms](db::Transaction& tx) -> Result<void> {
    auto repeat = find_repeat(tx.connection(), principal, terms);
    if (!repeat) return fail(repeat.error());
    if (*repeat) {
      begun->id = **repeat;
      *repeated = true;
      return {};
    }
    if (auto ok = intent(tx, *begun); !ok) return ok;
    if (!terms.key.empty()) {
      db::IdempotencyTable(tx.connection())
          .insert({principal.name, terms.key, terms.hash, begun->id, begun->created_at});
    }
    fault_point(before);
    return {};
  };
  auto done = [this, begun, repeated, after, wait = terms->wait, request_id = request.id,
               respond = std::move(respond)](Result<void> written) {
    if (!written) return respond(http::problem(written.error()));
    fault_point(after);
    if (!*repeated) {
      log::info("operation begun", {{"operation", begun->id.str()},
                                    {"kind", begun->kind},
                                    {"principal", begun->principal},
                                    {"request", request_id}});
      services_.engine.wake(begun->id);
    }
    answer(begun->id, wait, respond);
  };
  services_.database.write(std::move(job), std::move(done), services_.executor);
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
  answer(***repeat, terms->wait, respond);
  return true;
}

void Submitter::answer(const Uuid& operation, Milliseconds wait, http::Responder respond) const {
  if (wait.count() == 0) return respond(answer_of(services_, operation));
  services_.engine.watch(
      operation, wait,
      [this, operation, respond = std::move(respond)](const std::optional<db::Operation>&) {
        respond(answer_of(services_, operation));
      });
}

}  // namespace vbs::api
