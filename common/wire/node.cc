#include "common/wire/node.h"

#include "common/wire/read.h"

namespace vbs::wire {

Result<NodeStatus> NodeStatus::from_json(const json::Value& value) {
  json::Fields fields(value);
  NodeStatus status;
  status.name = read_text(fields, "name");
  status.role = read_text(fields, "role");
  status.version = read_any_text(fields, "version");
  status.driver = read_any_text(fields, "driver");
  status.initiator = read_any_text(fields, "initiator");
  status.capacity_bytes = fields.uint64("capacity_bytes");
  status.reserved_bytes = fields.uint64("reserved_bytes");
  status.snapshots_need_volume = fields.boolean("snapshots_need_volume");
  status.grows_attached = fields.boolean_or("grows_attached", false);
  status.healthy = fields.boolean("healthy");
  status.problem = read_remark(fields, "problem");
  return finished(fields, std::move(status));
}

void NodeStatus::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("name", name);
  out.member("role", role);
  out.member("version", version);
  out.member("driver", driver);
  out.member("initiator", initiator);
  out.member("capacity_bytes", capacity_bytes);
  out.member("reserved_bytes", reserved_bytes);
  out.member("snapshots_need_volume", snapshots_need_volume);
  out.member("grows_attached", grows_attached);
  out.member("healthy", healthy);
  out.member("problem", problem);
  out.end_object();
}

}  // namespace vbs::wire
