#include "api/handlers/audit_records.h"

#include "api/access.h"
#include "api/list_query.h"
#include "db/audit_table.h"

namespace vbs::api {

namespace {

void member_or_null(json::Writer& out, std::string_view name, std::string_view text) {
  out.key(name);
  text.empty() ? out.null() : out.string(text);
}

void member_or_null(json::Writer& out, std::string_view name, const Uuid& id) {
  out.key(name);
  id.is_nil() ? out.null() : out.string(id.str());
}

void render_record(json::Writer& out, const db::AuditRecord& record) {
  out.begin_object();
  out.member("sequence", record.seq);
  out.member("at", to_rfc3339(record.at));
  out.member("principal", record.principal);
  member_or_null(out, "role", record.role);
  member_or_null(out, "project", record.project);
  out.member("action", record.action);
  out.member("force", record.force);
  member_or_null(out, "volume_id", record.volume);
  member_or_null(out, "snapshot_id", record.snapshot);
  member_or_null(out, "attachment_id", record.attachment);
  member_or_null(out, "vm", record.vm);
  member_or_null(out, "node", record.node);
  member_or_null(out, "operation_id", record.operation);
  member_or_null(out, "request_id", record.request_id);
  out.end_object();
}

}  // namespace

http::Response AuditRecordHandlers::list(const Principal&, const http::Request& request) const {
  ListQuery query(request);
  query.read_numbered_page();
  if (auto ok = query.finish(); !ok) return http::problem(ok.error());

  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    auto records = db::AuditTable(connection).list(query.after(), query.limit() + 1);
    const bool more = records.size() > query.limit();
    if (more) records.pop_back();
    json::Writer out;
    out.begin_object();
    out.key("audit_records");
    out.begin_array();
    for (const db::AuditRecord& record : records) render_record(out, record);
    out.end_array();
    out.key("next");
    more ? out.string(std::to_string(records.back().seq)) : out.null();
    out.end_object();
    return out.take();
  });
}

}  // namespace vbs::api
