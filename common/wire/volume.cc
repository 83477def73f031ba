#include "common/wire/volume.h"

#include "common/units.h"
#include "common/wire/read.h"

namespace vbs::wire {

Result<VolumeSpec> VolumeSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  VolumeSpec spec;
  spec.size_bytes = fields.uint64("size_bytes");
  spec.source_kind = fields.optional_string("source_kind").value_or("");
  if (spec.source_kind.empty()) {
    if (fields.optional_string("source")) fields.reject("source", "must come with a source_kind");
  } else {
    spec.source = read_uuid(fields, "source");
  }
  if (fields.ok()) {
    const auto size = check_volume_size(spec.size_bytes, "size_bytes");
    if (!size) fields.reject(size.error());
  }
  const std::string& kind = spec.source_kind;
  if (!kind.empty() && kind != "snapshot" && kind != "volume" && kind != "image") {
    fields.reject("source_kind",
                  "must be \"snapshot\", \"volume\" or \"image\", got " + quote(kind));
  }
  return finished(fields, std::move(spec));
}

void VolumeSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("size_bytes", size_bytes);
  if (!source_kind.empty()) {
    out.member("source_kind", source_kind);
    out.member("source", source.str());
  }
  out.end_object();
}

Result<VolumeStatus> VolumeStatus::from_json(const json::Value& value) {
  json::Fields fields(value);
  VolumeStatus status;
  status.id = read_uuid(fields, "id");
  status.size_bytes = fields.uint64("size_bytes");
  status.state = read_text(fields, "state");
  status.copied_bytes = fields.uint64("copied_bytes");
  status.allocated_bytes = fields.uint64("allocated_bytes");
  status.snapshot_estimate_ms = fields.int64("snapshot_estimate_ms");
  return finished(fields, std::move(status));
}

void VolumeStatus::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("id", id.str());
  out.member("size_bytes", size_bytes);
  out.member("state", state);
  out.member("copied_bytes", copied_bytes);
  out.member("allocated_bytes", allocated_bytes);
  out.member("snapshot_estimate_ms", snapshot_estimate_ms);
  out.end_object();
}

}  // namespace vbs::wire
