#include "common/wire/inventory.h"

#include "common/wire/read.h"

namespace vbs::wire {
namespace {

std::vector<std::string> read_strings(json::Fields& fields, std::string_view key) {
  std::vector<std::string> texts;
  const json::Value::Array* values = fields.array(key);
  if (values == nullptr) return texts;
  for (const json::Value& value : *values) {
    const auto* text = value.as<std::string>();
    if (text == nullptr) {
      fields.reject(std::string(key) + "[" + std::to_string(texts.size()) + "]",
                    "must be a string, got " + std::string(value.type_name()));
      return {};
    }
    texts.push_back(printable(*text, kMaxRemark));
  }
  return texts;
}

}  // namespace

Result<VolumeServerInventory> VolumeServerInventory::from_json(const json::Value& value) {
  json::Fields fields(value);
  VolumeServerInventory inventory;
  inventory.volumes = read_objects<VolumeStatus>(fields, "volumes");
  inventory.snapshots = read_objects<SnapshotStatus>(fields, "snapshots");
  inventory.images = read_objects<ImageStatus>(fields, "images", fields.optional_array("images"));
  inventory.exports = read_objects<ExportStatus>(fields, "exports");
  inventory.foreign = read_strings(fields, "foreign");
  return finished(fields, std::move(inventory));
}

void VolumeServerInventory::to_json(json::Writer& out) const {
  out.begin_object();
  write_objects(out, "volumes", volumes);
  write_objects(out, "snapshots", snapshots);
  write_objects(out, "images", images);
  write_objects(out, "exports", exports);
  out.key("foreign");
  out.begin_array();
  for (const std::string& name : foreign) out.string(name);
  out.end_array();
  out.end_object();
}

Result<VmStatus> VmStatus::from_json(const json::Value& value) {
  json::Fields fields(value);
  VmStatus status;
  status.name = read_text(fields, "name");
  status.state = read_text(fields, "state");
  status.agent = fields.boolean("agent");
  status.uuid = read_optional_uuid(fields, "uuid");
  return finished(fields, std::move(status));
}

void VmStatus::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("name", name);
  out.member("state", state);
  out.member("agent", agent);
  if (uuid) out.member("uuid", uuid->str());
  out.end_object();
}

bool is_other_vm(const std::optional<Uuid>& uuid, const std::optional<Uuid>& meant) {
  return uuid && meant && *uuid != *meant;
}

Result<VmmInventory> VmmInventory::from_json(const json::Value& value) {
  json::Fields fields(value);
  VmmInventory inventory;
  inventory.vms = read_objects<VmStatus>(fields, "vms");
  inventory.devices = read_objects<DeviceStatus>(fields, "devices");
  inventory.sessions = read_objects<SessionStatus>(fields, "sessions");
  inventory.freezes = read_objects<FreezeStatus>(fields, "freezes");
  return finished(fields, std::move(inventory));
}

void VmmInventory::to_json(json::Writer& out) const {
  out.begin_object();
  write_objects(out, "vms", vms);
  write_objects(out, "devices", devices);
  write_objects(out, "sessions", sessions);
  write_objects(out, "freezes", freezes);
  out.end_object();
}

}  // namespace vbs::wire
