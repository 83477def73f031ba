#include "common/names.h"
#include "common/wire/device.h"
#include "common/wire/export.h"
#include "common/wire/freeze.h"
#include "common/wire/image.h"
#include "common/wire/inventory.h"
#include "common/wire/node.h"
#include "common/wire/session.h"
#include "common/wire/size.h"
#include "common/wire/snapshot.h"
#include "common/wire/volume.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace vbs;
using fuzz::require;

template <class T>
std::string text_of(const T& one) {
  json::Writer out;
  one.to_json(out);
  return out.take();
}

template <class T>
std::optional<T> check(const json::Value& value) {
  auto one = T::from_json(value);
  if (!one) return std::nullopt;
  const std::string text = text_of(*one);
  const auto written = json::parse(text, {16 << 20, 16, 5'000'000});
  require(written.has_value(), "what is sent is JSON");
  const auto again = T::from_json(*written);
  require(again && text_of(*again) == text, "what is sent is received as it is");
  return *std::move(one);
}

void check_session(const wire::SessionSpec& session) {
  require(check_iscsi_name(session.iqn, "iqn").has_value(), "a target has an iSCSI name");
  require(check_portal(session.portal, "portal").has_value(), "a portal is one");
  require(session.generation >= 1, "generations begin with 1");
}

}  // namespace

/// What front and delegates send each other: each of these types from the same JSON.
void vbs::fuzz::one_input(std::string_view input) {
  const auto value = json::parse(input);
  if (!value) return;
  if (const auto spec = check<wire::ExportSpec>(*value)) {
    require(check_iscsi_name(spec->initiator, "initiator").has_value(), "it is an iSCSI name");
  }
  if (const auto spec = check<wire::SessionSpec>(*value)) check_session(*spec);
  if (const auto spec = check<wire::DeviceSpec>(*value)) {
    check_session(spec->session);
    require(check_node_name(spec->vm, "vm").has_value(), "a VM has a node's name");
    require(check_device_name(spec->device, "device") == spec->device,
            "a device name is canonical");
  }
  if (const auto spec = check<wire::FreezeSpec>(*value)) {
    require(spec->lease_ms > 0 && spec->lease_ms <= wire::kLongestLeaseMs, "a lease ends");
  }
  check<wire::VolumeSpec>(*value);
  check<wire::SnapshotSpec>(*value);
  check<wire::VolumeSizeSpec>(*value);
  check<wire::ExportSizeSpec>(*value);
  check<wire::SessionSizeSpec>(*value);
  check<wire::DeviceSizeSpec>(*value);
  check<wire::ExportStatus>(*value);
  check<wire::SessionStatus>(*value);
  check<wire::DeviceStatus>(*value);
  check<wire::FreezeStatus>(*value);
  check<wire::ImageStatus>(*value);
  check<wire::NodeStatus>(*value);
  check<wire::VmStatus>(*value);
  check<wire::SnapshotStatus>(*value);
  check<wire::VolumeStatus>(*value);
  check<wire::VolumeServerInventory>(*value);
  check<wire::VmmInventory>(*value);
}
