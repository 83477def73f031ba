#include "api/handlers/audit_records.h"

#include "api/access.h"
#include "api/list_query.h"
#include "api/render.h"
#include "db/audit_table.h"

namespace vbs::api {

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
    for (const db::AuditRecord& record : records) render_audit_record(out, record);
    out.end_array();
    out.key("next");
    more ? out.string(std::to_string(records.back().seq)) : out.null();
    out.end_object();
    return out.take();
  });
}

}  // namespace vbs::api
