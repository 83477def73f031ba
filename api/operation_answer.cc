#include "api/operation_answer.h"

#include "api/access.h"
#include "api/render.h"

namespace vbs::api {

namespace {

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

}  // namespace

http::Response operation_answer(Services& services, const Uuid& id) {
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

http::Response amendment_answer(Services& services, const Uuid& id) {
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

}  // namespace vbs::api
