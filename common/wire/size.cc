#include "common/wire/size.h"

#include "common/names.h"
#include "common/units.h"
#include "common/wire/read.h"

namespace vbs::wire {
namespace {

std::uint64_t read_size(json::Fields& fields) {
  const std::uint64_t bytes = fields.uint64("size_bytes");
  if (!fields.ok()) return bytes;
  if (auto good = check_volume_size(bytes, "size_bytes"); !good) fields.reject(good.error());
  return bytes;
}

}  // namespace

Result<VolumeSizeSpec> VolumeSizeSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  VolumeSizeSpec spec;
  spec.size_bytes = read_size(fields);
  return finished(fields, spec);
}

void VolumeSizeSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("size_bytes", size_bytes);
  out.end_object();
}

Result<ExportSizeSpec> ExportSizeSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  ExportSizeSpec spec;
  spec.size_bytes = read_size(fields);
  spec.generation = read_generation(fields);
  return finished(fields, spec);
}

void ExportSizeSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("size_bytes", size_bytes);
  out.member("generation", generation);
  out.end_object();
}

Result<SessionSizeSpec> SessionSizeSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  SessionSizeSpec spec;
  spec.size_bytes = read_size(fields);
  spec.session = read_object<SessionSpec>(fields, "session");
  return finished(fields, std::move(spec));
}

void SessionSizeSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("size_bytes", size_bytes);
  out.key("session");
  session.to_json(out);
  out.end_object();
}

Result<DeviceSizeSpec> DeviceSizeSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  DeviceSizeSpec spec;
  spec.size_bytes = read_size(fields);
  spec.vm = read_checked(fields, "vm", check_node_name);
  spec.generation = read_generation(fields);
  return finished(fields, std::move(spec));
}

void DeviceSizeSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("size_bytes", size_bytes);
  out.member("vm", vm);
  out.member("generation", generation);
  out.end_object();
}

}  // namespace vbs::wire
