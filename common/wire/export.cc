#include "common/wire/export.h"

#include "common/names.h"
#include "common/wire/read.h"

namespace vbs::wire {
namespace {

std::vector<ExportSession> read_sessions(json::Fields& fields) {
  std::vector<ExportSession> sessions;
  const json::Value::Array* values = fields.array("sessions");
  if (values == nullptr) return sessions;
  for (const json::Value& value : *values) {
    json::Fields inner(value, "sessions[" + std::to_string(sessions.size()) + "].");
    inner.ignore_unknown();
    ExportSession session;
    session.initiator = inner.string("initiator");
    session.address = inner.string("address");
    if (const auto good = inner.finish(); !good) {
      fields.reject(good.error());
      return {};
    }
    sessions.push_back(std::move(session));
  }
  return sessions;
}

}  // namespace

Result<ExportSpec> ExportSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  ExportSpec spec;
  spec.volume = read_uuid(fields, "volume");
  spec.initiator = read_checked(fields, "initiator", check_iscsi_name);
  spec.chap_user = read_chap_word(fields, "chap_user");
  spec.chap_secret = Secret(read_chap_word(fields, "chap_secret"));
  spec.read_only = fields.boolean("read_only");
  spec.generation = read_generation(fields);
  return finished(fields, std::move(spec));
}

void ExportSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("volume", volume.str());
  out.member("initiator", initiator);
  out.member("chap_user", chap_user);
  out.member("chap_secret", chap_secret.reveal());
  out.member("read_only", read_only);
  out.member("generation", generation);
  out.end_object();
}

Result<ExportStatus> ExportStatus::from_json(const json::Value& value) {
  json::Fields fields(value);
  ExportStatus status;
  status.attachment = read_uuid(fields, "attachment");
  status.volume = read_uuid(fields, "volume");
  status.iqn = read_checked(fields, "iqn", check_iscsi_name);
  status.portal = read_checked(fields, "portal", check_portal);
  status.lun = read_uint32(fields, "lun");
  status.serial = read_text(fields, "serial");
  status.initiator = read_any_text(fields, "initiator");
  status.read_only = fields.boolean("read_only");
  status.generation = fields.int64("generation");
  status.active = fields.boolean("active");
  status.buried = fields.boolean_or("buried", false);
  status.sessions = read_sessions(fields);
  status.size_bytes = fields.optional_uint64("size_bytes").value_or(0);
  return finished(fields, std::move(status));
}

void ExportStatus::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("attachment", attachment.str());
  out.member("volume", volume.str());
  out.member("iqn", iqn);
  out.member("portal", portal);
  out.member("lun", lun);
  out.member("serial", serial);
  out.member("initiator", initiator);
  out.member("read_only", read_only);
  out.member("generation", generation);
  out.member("active", active);
  out.member("buried", buried);
  out.key("sessions");
  out.begin_array();
  for (const ExportSession& session : sessions) {
    out.begin_object();
    out.member("initiator", session.initiator);
    out.member("address", session.address);
    out.end_object();
  }
  out.end_array();
  out.member("size_bytes", size_bytes);
  out.end_object();
}

}  // namespace vbs::wire
