#include "api/handlers/service_info.h"

#include "api/access.h"
#include "api/list_query.h"
#include "api/openapi.h"

namespace vbs::api {

namespace {

std::string_view state_of(const NodeView& view) {
  if (!view.up) return "down";
  return view.status && view.status->healthy ? "up" : "unhealthy";
}

void render_node(json::Writer& out, const NodeView& view, std::uint64_t promised) {
  const bool server = view.settings.role == NodeRole::volume_server;
  const wire::NodeStatus status = view.status.value_or(wire::NodeStatus{});
  out.begin_object();
  out.member("name", view.settings.name);
  out.member("role", server ? "volume-server" : "vmm");
  out.member("url", view.settings.endpoint.str());
  out.member("state", state_of(view));
  out.key("problem");
  view.problem.empty() ? out.null() : out.string(view.problem);
  out.member("driver", status.driver);
  out.member("version", status.version);
  out.key("last_seen_at");
  view.last_seen_at ? out.string(to_rfc3339(*view.last_seen_at)) : out.null();
  if (server) {
    out.member("capacity_bytes", status.capacity_bytes);
    out.member("reserved_bytes", promised);
    out.member("free_bytes",
               status.capacity_bytes > promised ? status.capacity_bytes - promised : 0);
  } else {
    out.member("initiator", status.initiator);
  }
  out.end_object();
}

void render_vm(json::Writer& out, db::Connection& connection, const Principal& principal,
               const std::string& node, const wire::VmStatus& vm) {
  out.begin_object();
  out.member("name", vm.name);
  out.member("node", node);
  out.member("state", vm.state);
  out.member("agent", vm.agent);
  out.key("attachments");
  out.begin_array();
  for (const db::Attachment& attachment :
       db::AttachmentTable(connection).open_of_vm(node, vm.name)) {
    if (!principal.may_see(attachment.project)) continue;
    out.begin_object();
    out.member("id", attachment.id.str());
    out.member("volume_id", attachment.volume.str());
    out.member("device", attachment.device);
    out.member("guest_device", attachment.guest_device);
    out.end_object();
  }
  out.end_array();
  out.end_object();
}

void render_limit(json::Writer& out, std::string_view name, std::int64_t limit) {
  out.key(name);
  limit == 0 ? out.null() : out.integer(limit);
}

void render_finding(json::Writer& out, const Finding& finding) {
  out.begin_object();
  out.member("kind", finding.drift.kind);
  out.member("node", finding.drift.node);
  out.member("resource", finding.drift.object);
  out.member("detail", finding.drift.detail);
  out.member("since", to_rfc3339(finding.since));
  out.member("action", finding.action);
  out.end_object();
}

/// One line of the Prometheus text format.
void metric(std::string& text, std::string_view name, std::string_view labels,
            std::uint64_t value) {
  text.append(name).append(labels).append(" ").append(std::to_string(value)).append("\n");
}

}  // namespace

http::Response ServiceInfoHandlers::nodes(const Principal&, const http::Request&) const {
  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    json::Writer out;
    out.begin_object();
    out.key("nodes");
    out.begin_array();
    for (const NodeView& view : services_.nodes.views()) {
      render_node(out, view, db::UsageTable(connection).reserved_on(view.settings.name));
    }
    out.end_array();
    render_next(out, false, {});
    out.end_object();
    return out.take();
  });
}

void ServiceInfoHandlers::vms(const Principal& principal, const http::Request&,
                              http::Responder respond) const {
  services_.executor.post([this, principal, respond = std::move(respond)] {
    services_.vms.list([=, this](const Result<std::vector<VmDirectory::Listed>>& nodes) {
      if (!nodes) return respond(http::problem(nodes.error()));
      respond(
          answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
            json::Writer out;
            out.begin_object();
            out.key("vms");
            out.begin_array();
            for (const VmDirectory::Listed& node : *nodes) {
              for (const wire::VmStatus& vm : node.vms)
                render_vm(out, connection, principal, node.node, vm);
            }
            out.end_array();
            render_next(out, false, {});
            out.end_object();
            return out.take();
          }));
    });
  });
}

http::Response ServiceInfoHandlers::usage(const Principal& principal,
                                          const http::Request& request) const {
  ListQuery query(request);
  query.read_project(principal);
  if (auto ok = query.finish(); !ok) return http::problem(ok.error());
  const std::string project = query.project().value_or(principal.project);
  const db::Quota& quota = services_.settings.quota_of(project);
  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    const db::Usage usage = db::UsageTable(connection).of_project(project);
    json::Writer out;
    out.begin_object();
    out.member("project", project);
    out.member("volumes", usage.volumes);
    out.member("snapshots", usage.snapshots);
    out.member("bytes", usage.bytes);
    out.key("quota");
    out.begin_object();
    render_limit(out, "volumes", quota.volumes);
    render_limit(out, "snapshots", quota.snapshots);
    render_limit(out, "bytes", static_cast<std::int64_t>(quota.bytes));
    out.end_object();
    out.end_object();
    return out.take();
  });
}

http::Response ServiceInfoHandlers::audit(const Principal&, const http::Request&) const {
  const SweepReport report = reconciler_.report();
  json::Writer out;
  out.begin_object();
  out.key("swept_at");
  report.complete ? out.string(to_rfc3339(report.started_at)) : out.null();
  out.member("sweep_ms", report.took_ms);
  out.member("destructive_actions", report.destructive_stopped.empty()
                                        ? "allowed"
                                        : "stopped: " + report.destructive_stopped);
  out.key("findings");
  out.begin_array();
  for (const Finding& finding : report.findings) render_finding(out, finding);
  out.end_array();
  out.end_object();
  return http::json(200, out.take());
}

http::Response ServiceInfoHandlers::live(const http::Request&) const {
  return http::json(200, R"({"status":"live"})");
}

http::Response ServiceInfoHandlers::ready(const http::Request&) const {
  auto readable = services_.database.read([](db::Connection& connection) {
    return connection.prepare("SELECT 1 FROM volumes LIMIT 1").step();
  });
  if (!readable) return http::problem(readable.error());
  if (!services_.nodes.all_answered_once()) {
    return http::problem(
        {ErrorCode::node_unavailable, "nodes have not been asked yet", {}, {}, {}});
  }
  return http::json(200, R"({"status":"ready"})");
}

void ServiceInfoHandlers::metrics(const Principal&, const http::Request&,
                                  http::Responder respond) const {
  // The engine's counters belong to its executor.
  services_.executor.post([this, respond = std::move(respond)] { respond(metrics_now()); });
}

http::Response ServiceInfoHandlers::metrics_now() const {
  const workflow::EngineCounters engine = services_.engine.counters();
  std::string text = "# TYPE vbs_operations_total counter\n";
  metric(text, "vbs_operations_total", "{state=\"succeeded\"}", engine.succeeded);
  metric(text, "vbs_operations_total", "{state=\"failed\"}", engine.failed);
  metric(text, "vbs_operations_total", "{state=\"cancelled\"}", engine.cancelled);
  text += "# TYPE vbs_operations_live gauge\n";
  metric(text, "vbs_operations_live", "", engine.live);
  text += "# TYPE vbs_step_retries_total counter\n";
  metric(text, "vbs_step_retries_total", "", engine.retries);
  text += "# TYPE vbs_node_up gauge\n";
  for (const NodeView& view : services_.nodes.views()) {
    const std::string role = view.settings.role == NodeRole::vmm ? "vmm" : "volume-server";
    metric(text, "vbs_node_up", "{node=\"" + view.settings.name + "\",role=\"" + role + "\"}",
           state_of(view) == "up");
  }
  text += "# TYPE vbs_audit_findings gauge\n";
  metric(text, "vbs_audit_findings", "", reconciler_.report().findings.size());
  text += "# TYPE vbs_database_bytes gauge\n";
  metric(text, "vbs_database_bytes", "",
         static_cast<std::uint64_t>(services_.database.file_bytes()));
  if (http_counters_) {
    const http::ServerCounters http = http_counters_();
    text += "# TYPE vbs_http_requests_total counter\n";
    metric(text, "vbs_http_requests_total", "", http.requests_total);
    text += "# TYPE vbs_http_requests_rejected_total counter\n";
    metric(text, "vbs_http_requests_rejected_total", "", http.requests_rejected);
    text += "# TYPE vbs_http_connections_evicted_total counter\n";
    metric(text, "vbs_http_connections_evicted_total", "", http.connections_evicted);
    text += "# TYPE vbs_http_connections_open gauge\n";
    metric(text, "vbs_http_connections_open", "", http.connections_open);
  }
  http::Response response;
  response.body = std::move(text);
  response.content_type = "text/plain; version=0.0.4";
  return response;
}

http::Response ServiceInfoHandlers::version(const http::Request&) const {
  return http::json(200, R"({"version":")" VBS_VERSION R"(","api":"v1"})");
}

http::Response ServiceInfoHandlers::openapi(const http::Request&) const {
  return http::json(200, std::string(kOpenApiJson));
}

}  // namespace vbs::api
