#include "common/wire/snapshot.h"

#include "common/wire/read.h"

namespace vbs::wire {

Result<SnapshotSpec> SnapshotSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  SnapshotSpec spec;
  spec.volume = read_uuid(fields, "volume");
  return finished(fields, spec);
}

void SnapshotSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("volume", volume.str());
  out.end_object();
}

Result<SnapshotStatus> SnapshotStatus::from_json(const json::Value& value) {
  json::Fields fields(value);
  SnapshotStatus status;
  status.id = read_uuid(fields, "id");
  status.volume = read_uuid(fields, "volume");
  status.size_bytes = fields.uint64("size_bytes");
  status.state = read_text(fields, "state");
  status.copied_bytes = fields.uint64("copied_bytes");
  return finished(fields, std::move(status));
}

void SnapshotStatus::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("id", id.str());
  out.member("volume", volume.str());
  out.member("size_bytes", size_bytes);
  out.member("state", state);
  out.member("copied_bytes", copied_bytes);
  out.end_object();
}

}  // namespace vbs::wire
