#include "common/wire/device.h"

#include "common/names.h"
#include "common/wire/read.h"

namespace vbs::wire {
namespace {

std::optional<bool> read_optional_boolean(json::Fields& fields, std::string_view key,
                                          const json::Value& value) {
  const json::Value* member = value.find(key);
  if (member == nullptr || member->is_null()) return std::nullopt;
  return fields.boolean(key);
}

}  // namespace

Result<DeviceSpec> DeviceSpec::from_json(const json::Value& value) {
  json::Fields fields(value);
  DeviceSpec spec;
  spec.vm = read_checked(fields, "vm", check_node_name);
  const std::string device = fields.string("device");
  spec.session = read_object<SessionSpec>(fields, "session");
  spec.vm_uuid = read_optional_uuid(fields, "vm_uuid");
  if (fields.ok()) {
    const auto canonical = check_device_name(device, "device");
    if (!canonical) fields.reject(canonical.error());
    spec.device = canonical.value_or("");
  }
  return finished(fields, std::move(spec));
}

void DeviceSpec::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("vm", vm);
  out.member("device", device);
  out.key("session");
  session.to_json(out);
  if (vm_uuid) out.member("vm_uuid", vm_uuid->str());
  out.end_object();
}

Result<DeviceStatus> DeviceStatus::from_json(const json::Value& value) {
  json::Fields fields(value);
  DeviceStatus status;
  status.attachment = read_uuid(fields, "attachment");
  status.vm = read_text(fields, "vm");
  status.serial = read_remark(fields, "serial");
  status.state = read_text(fields, "state");
  status.read_only = fields.boolean("read_only");
  status.guest_device = read_optional_remark(fields, "guest_device");
  status.mounted = read_optional_boolean(fields, "mounted", value);
  status.size_bytes = fields.optional_uint64("size_bytes").value_or(0);
  status.grows = fields.boolean_or("grows", true);
  return finished(fields, std::move(status));
}

void DeviceStatus::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("attachment", attachment.str());
  out.member("vm", vm);
  out.member("serial", serial);
  out.member("state", state);
  out.member("read_only", read_only);
  out.member("guest_device", guest_device);
  out.key("mounted");
  mounted ? out.boolean(*mounted) : out.null();
  out.member("size_bytes", size_bytes);
  out.member("grows", grows);
  out.end_object();
}

}  // namespace vbs::wire
