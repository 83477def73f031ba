#include "tests/sim/wire_document.h"

#include <array>

#include "common/wire/inventory.h"
#include "common/wire/node.h"
#include "common/wire/size.h"

namespace vbs::sim {

namespace {

template <class T>
WireDocument document(std::string name) {
  return {std::move(name), [](const json::Value& value) -> Result<std::string> {
            auto read = T::from_json(value);
            if (!read) return fail(read.error());
            json::Writer out;
            read->to_json(out);
            return out.take();
          }};
}

const std::array kDocuments{
    document<wire::VolumeSpec>("VolumeSpec"),
    document<wire::VolumeSizeSpec>("VolumeSizeSpec"),
    document<wire::VolumeStatus>("VolumeStatus"),
    document<wire::SnapshotSpec>("SnapshotSpec"),
    document<wire::SnapshotStatus>("SnapshotStatus"),
    document<wire::ExportSpec>("ExportSpec"),
    document<wire::ExportSizeSpec>("ExportSizeSpec"),
    document<wire::ExportStatus>("ExportStatus"),
    document<wire::SessionSpec>("SessionSpec"),
    document<wire::SessionSizeSpec>("SessionSizeSpec"),
    document<wire::SessionStatus>("SessionStatus"),
    document<wire::DeviceSpec>("DeviceSpec"),
    document<wire::DeviceSizeSpec>("DeviceSizeSpec"),
    document<wire::DeviceStatus>("DeviceStatus"),
    document<wire::FreezeSpec>("FreezeSpec"),
    document<wire::FreezeStatus>("FreezeStatus"),
    document<wire::ImageStatus>("ImageStatus"),
    document<wire::VmStatus>("VmStatus"),
    document<wire::NodeStatus>("NodeStatus"),
    document<wire::VolumeServerInventory>("VolumeServerInventory"),
    document<wire::VmmInventory>("VmmInventory"),
};

/// "Volume" of "/v1/volumes/..."; "" for what is no collection of objects.
std::string noun_of(const std::string& path) {
  for (const auto& [start, noun] :
       {std::pair{"/v1/volumes/", "Volume"}, std::pair{"/v1/snapshots/", "Snapshot"},
        std::pair{"/v1/exports/", "Export"}, std::pair{"/v1/sessions/", "Session"},
        std::pair{"/v1/devices/", "Device"}, std::pair{"/v1/freezes/", "Freeze"},
        std::pair{"/v1/vms/", "Vm"}}) {
    if (path.starts_with(start)) return noun;
  }
  return "";
}

/// Of the members that are lists in an inventory.
const WireDocument* entry_of(const std::string& list) {
  for (const auto& [member, name] :
       {std::pair{"volumes", "VolumeStatus"}, std::pair{"snapshots", "SnapshotStatus"},
        std::pair{"images", "ImageStatus"}, std::pair{"exports", "ExportStatus"},
        std::pair{"vms", "VmStatus"}, std::pair{"devices", "DeviceStatus"},
        std::pair{"sessions", "SessionStatus"}, std::pair{"freezes", "FreezeStatus"}}) {
    if (list == member) return document_named(name);
  }
  return nullptr;
}

}  // namespace

const WireDocument* document_named(const std::string& name) {
  for (const WireDocument& one : kDocuments) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

const WireDocument* order_of(const api::DelegateCall& call) {
  if (call.method != http::Method::put) return nullptr;
  return document_named(noun_of(call.path) + (call.path.ends_with("/size") ? "SizeSpec" : "Spec"));
}

const WireDocument* answer_of(const api::DelegateCall& call, const http::Response& answer) {
  if (answer.status >= 300 || answer.body.empty()) return nullptr;
  if (call.path == "/v1/node") return document_named("NodeStatus");
  if (call.path == "/v1/inventory")
    return document_named(call.node == "vs1" ? "VolumeServerInventory" : "VmmInventory");
  return document_named(noun_of(call.path) + "Status");
}

json::Value with_more(const json::Value& value) {
  if (const auto* items = value.as<json::Value::Array>()) {
    json::Value::Array more;
    for (const json::Value& item : *items) more.push_back(with_more(item));
    return json::Value(std::move(more));
  }
  const auto* members = value.as<json::Value::Object>();
  if (members == nullptr) return value;
  json::Value::Object more;
  more.emplace_back("new", json::Value(json::Value::Array{json::Value(true)}));
  for (const auto& [name, member] : *members) more.emplace_back(name, with_more(member));
  return json::Value(std::move(more));
}

json::Value with_less(const WireDocument& document, const json::Value& value) {
  json::Value::Object kept = *value.as<json::Value::Object>();
  for (auto& [name, member] : kept) {
    const auto* items = member.as<json::Value::Array>();
    const WireDocument* inner = items != nullptr ? entry_of(name) : nullptr;
    if (inner == nullptr || !document.name.ends_with("Inventory")) continue;
    json::Value::Array less;
    for (const json::Value& item : *items) less.push_back(with_less(*inner, item));
    member = json::Value(std::move(less));
  }
  for (std::size_t i = 0; i < kept.size();) {
    json::Value::Object without = kept;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    if (document.reread(json::Value(without))) {
      kept = std::move(without);
    } else {
      ++i;
    }
  }
  return json::Value(std::move(kept));
}

}  // namespace vbs::sim
