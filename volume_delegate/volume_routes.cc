// The routes of VolumeServer: requests into calls of the services, results into answers.

#include <charconv>
#include <optional>
#include <utility>

#include "common/json.h"
#include "common/wire/size.h"
#include "volume_delegate/volume_server.h"

namespace vbs::volume_delegate {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr unsigned kOk = 200;
constexpr unsigned kAccepted = 202;

Result<Uuid> id_of(const Request& request) {
  const auto id = Uuid::parse(request.param("id"));
  if (id && !id->is_nil()) return *id;
  return fail_field("id", "must be a UUID in its 36-character form");
}

template <class Spec>
Result<Spec> body_of(const Request& request) {
  auto value = json::parse(request.body);
  if (!value) return fail(value.error());
  return Spec::from_json(*value);
}

Result<std::int64_t> generation_of(const Request& request) {
  const auto text = request.query_value("generation").value_or("");
  std::int64_t generation = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), generation);
  if (error == std::errc{} && end == text.data() + text.size() && generation >= 1)
    return generation;
  return fail_field("generation", "must be an integer from 1, in the query");
}

ExportService::Ending ending_of(const Request& request) {
  const auto is_set = [&](std::string_view name) {
    return request.query_value(name).value_or("") == "true";
  };
  if (is_set("bury")) return ExportService::Ending::bury;
  return is_set("revoke") ? ExportService::Ending::revoke : ExportService::Ending::orderly;
}

template <class Document>
Response answer(unsigned code, const Document& document) {
  json::Writer out;
  document.to_json(out);
  return http::json(code, out.take());
}

/// Volumes and snapshots: 202 while copying or growing, else 200.
template <class Status>
Response answer_object(const Result<Status>& result) {
  if (!result) return http::problem(result.error());
  const bool under_way = result->state == "copying" || result->state == "growing";
  return answer(under_way ? kAccepted : kOk, *result);
}

template <class Status>
Response answer_removal(const Result<std::optional<Status>>& result) {
  if (!result) return http::problem(result.error());
  return *result ? answer(kAccepted, **result) : http::no_content();
}

Response answer_export(const Result<wire::ExportStatus>& result) {
  if (!result) return http::problem(result.error());
  return answer(kOk, *result);
}

}  // namespace

void VolumeServer::add_routes(http::Router& router, const http::Offload& offload) {
  router.add(Method::get, "/healthz", [](const Request&, const http::Responder& respond) {
    respond(http::json(kOk, R"({"status":"ok"})"));
  });
  router.add(Method::get, "/v1/node",
             offload([this](const Request&) { return answer(kOk, node()); }));
  router.add(Method::get, "/v1/inventory", offload([this](const Request&) {
               const auto found = inventory();
               return found ? answer(kOk, *found) : http::problem(found.error());
             }));
  add_volume_routes(router, offload);
  add_snapshot_routes(router, offload);
  add_export_routes(router, offload);
}

void VolumeServer::add_volume_routes(http::Router& router, const http::Offload& offload) {
  const char* path = "/v1/volumes/{id}";
  router.add(Method::put, path, offload([this](const Request& request) {
               const auto id = id_of(request);
               if (!id) return http::problem(id.error());
               const auto spec = body_of<wire::VolumeSpec>(request);
               if (!spec) return http::problem(spec.error());
               return answer_object(volumes_.put(*id, *spec));
             }));
  router.add(
      Method::put, "/v1/volumes/{id}/size", offload([this](const Request& request) {
        const auto id = id_of(request);
        if (!id) return http::problem(id.error());
        const auto spec = body_of<wire::VolumeSizeSpec>(request);
        if (!spec) return http::problem(spec.error());
        return answer_object(volumes_.grow(*id, spec->size_bytes, parts_.target.grows_live()));
      }));
  router.add(Method::get, path, offload([this](const Request& request) {
               const auto id = id_of(request);
               return id ? answer_object(volumes_.get(*id)) : http::problem(id.error());
             }));
  router.add(Method::del, path, offload([this](const Request& request) {
               const auto id = id_of(request);
               return id ? answer_removal(volumes_.remove(*id)) : http::problem(id.error());
             }));
}

void VolumeServer::add_snapshot_routes(http::Router& router, const http::Offload& offload) {
  const char* path = "/v1/snapshots/{id}";
  router.add(Method::put, path, offload([this](const Request& request) {
               const auto id = id_of(request);
               if (!id) return http::problem(id.error());
               const auto spec = body_of<wire::SnapshotSpec>(request);
               if (!spec) return http::problem(spec.error());
               return answer_object(snapshots_.put(*id, *spec));
             }));
  router.add(Method::get, path, offload([this](const Request& request) {
               const auto id = id_of(request);
               return id ? answer_object(snapshots_.get(*id)) : http::problem(id.error());
             }));
  router.add(Method::del, path, offload([this](const Request& request) {
               const auto id = id_of(request);
               return id ? answer_removal(snapshots_.remove(*id)) : http::problem(id.error());
             }));
}

void VolumeServer::add_export_routes(http::Router& router, const http::Offload& offload) {
  const char* path = "/v1/exports/{id}";
  router.add(Method::put, path, offload([this](const Request& request) {
               const auto id = id_of(request);
               if (!id) return http::problem(id.error());
               const auto spec = body_of<wire::ExportSpec>(request);
               if (!spec) return http::problem(spec.error());
               return answer_export(exports_.put(*id, *spec));
             }));
  router.add(Method::put, "/v1/exports/{id}/size", offload([this](const Request& request) {
               const auto id = id_of(request);
               if (!id) return http::problem(id.error());
               const auto spec = body_of<wire::ExportSizeSpec>(request);
               if (!spec) return http::problem(spec.error());
               return answer_export(exports_.refresh_size(*id, *spec));
             }));
  router.add(Method::get, path, offload([this](const Request& request) {
               const auto id = id_of(request);
               return id ? answer_export(exports_.get(*id)) : http::problem(id.error());
             }));
  router.add(Method::del, path, offload([this](const Request& request) {
               const auto id = id_of(request);
               if (!id) return http::problem(id.error());
               const auto generation = generation_of(request);
               if (!generation) return http::problem(generation.error());
               const auto removed = exports_.remove(*id, *generation, ending_of(request));
               return removed ? http::no_content() : http::problem(removed.error());
             }));
}

}  // namespace vbs::volume_delegate
