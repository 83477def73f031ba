#include "common/wire/session.h"

#include "common/names.h"
#include "common/wire/read.h"

namespace vbs::wire {

Result<SessionSpec> SessionSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  SessionSpec spec;
  spec.volume = read_uuid(fields, "volume");
  spec.portal = read_checked(fields, "portal", check_portal);
  spec.iqn = read_checked(fields, "iqn", check_iscsi_name);
  spec.lun = read_uint32(fields, "lun");
  spec.chap_user = read_chap_word(fields, "chap_user");
  spec.chap_secret = Secret(read_chap_word(fields, "chap_secret"));
  spec.read_only = fields.boolean("read_only");
  spec.generation = read_generation(fields);
  return finished(fields, std::move(spec));
}

void SessionSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("volume", volume.str());
  out.member("portal", portal);
  out.member("iqn", iqn);
  out.member("lun", lun);
  out.member("chap_user", chap_user);
  out.member("chap_secret", chap_secret.reveal());
  out.member("read_only", read_only);
  out.member("generation", generation);
  out.end_object();
}

Result<SessionStatus> SessionStatus::from_json(const json::Value& value) {
  json::Fields fields(value);
  SessionStatus status;
  status.attachment = read_uuid(fields, "attachment");
  status.serial = read_remark(fields, "serial");
  status.path = read_any_text(fields, "path");
  status.generation = fields.int64("generation");
  status.size_bytes = fields.optional_uint64("size_bytes").value_or(0);
  return finished(fields, std::move(status));
}

void SessionStatus::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("attachment", attachment.str());
  out.member("serial", serial);
  out.member("path", path);
  out.member("generation", generation);
  out.member("size_bytes", size_bytes);
  out.end_object();
}

}  // namespace vbs::wire
