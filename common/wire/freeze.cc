#include "common/wire/freeze.h"

#include "common/names.h"
#include "common/wire/read.h"

namespace vbs::wire {

Result<FreezeSpec> FreezeSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  FreezeSpec spec;
  spec.vm = read_checked(fields, "vm", check_node_name);
  spec.lease_ms = fields.int64("lease_ms");
  if (fields.ok() && (spec.lease_ms < 1 || spec.lease_ms > kLongestLeaseMs)) {
    fields.reject("lease_ms", "must be 1 to " + std::to_string(kLongestLeaseMs) + " milliseconds");
  }
  spec.pause = fields.boolean("pause");
  spec.vm_uuid = read_optional_uuid(fields, "vm_uuid");
  return finished(fields, std::move(spec));
}

void FreezeSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("vm", vm);
  out.member("lease_ms", lease_ms);
  out.member("pause", pause);
  if (vm_uuid) out.member("vm_uuid", vm_uuid->str());
  out.end_object();
}

Result<FreezeStatus> FreezeStatus::from_json(const json::Value& value) {
  json::Fields fields(value);
  FreezeStatus status;
  status.id = read_uuid(fields, "id");
  status.vm = read_text(fields, "vm");
  status.state = read_text(fields, "state");
  status.consistency = read_any_text(fields, "consistency");
  status.remaining_ms = fields.int64("remaining_ms");
  return finished(fields, std::move(status));
}

void FreezeStatus::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("id", id.str());
  out.member("vm", vm);
  out.member("state", state);
  out.member("consistency", consistency);
  out.member("remaining_ms", remaining_ms);
  out.end_object();
}

}  // namespace vbs::wire
