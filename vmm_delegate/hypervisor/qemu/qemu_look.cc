#include "vmm_delegate/hypervisor/qemu/qemu_look.h"

#include <unistd.h>

#include "common/text.h"
#include "vmm_delegate/hypervisor/qemu/qemu_names.h"

namespace vbs::vmm_delegate::qemu {
namespace {

constexpr std::string_view kPeripherals = "/machine/peripheral";
constexpr std::string_view kJsonFilename = "json:";

using Array = json::Value::Array;

Result<Array> as_array(Result<json::Value> answer) {
  if (!answer) return fail(answer.error());
  const auto* array = answer->as<Array>();
  if (array == nullptr) return fail(ErrorCode::internal, "QEMU's answer is no list");
  return *array;
}

bool truth_of(const json::Value& value, std::string_view key) {
  const json::Value* member = value.find(key);
  const auto* truth = member == nullptr ? nullptr : member->as<bool>();
  return truth != nullptr && *truth;
}

/// Of a block node, as its guest sees it.
std::uint64_t size_of(const json::Value& node) {
  const json::Value* image = node.find("image");
  const json::Value* size = image == nullptr ? nullptr : image->find("virtual-size");
  const auto* bytes = size == nullptr ? nullptr : size->as<std::int64_t>();
  return bytes == nullptr || *bytes < 0 ? 0 : static_cast<std::uint64_t>(*bytes);
}

Result<Array> children_of(Qmp& qmp, std::string_view path) {
  return as_array(qmp.execute("qom-list", [&](json::Writer& out) { out.member("path", path); }));
}

/// QEMU describes an iSCSI node by the options that opened it, as JSON, without the secret's text;
/// a host device by its path.
void note_storage(const json::Value& node, Held& held) {
  const json::Value* image = node.find("image");
  const std::string filename = image == nullptr ? "" : text_of(*image, "filename");
  if (!filename.starts_with(kJsonFilename)) {
    held.storage = storage_place(filename).value_or(StoragePlace{});
    return;
  }
  const auto options = json::parse(std::string_view(filename).substr(kJsonFilename.size()));
  if (options) held.storage = {text_of(*options, "portal"), text_of(*options, "target")};
}

using Found = std::map<Uuid, Held>;

void take_devices(const Array& devices, Found& all) {
  for (const json::Value& device : devices) {
    const auto attachment = attachment_of_device(text_of(device, "name"));
    if (attachment) all[*attachment].device = true;
  }
}

Result<void> read_serial(Qmp& qmp, const Uuid& attachment, Held& held) {
  if (!held.device) return {};
  const auto serial = qmp.execute("qom-get", [&](json::Writer& out) {
    out.member("path", std::string(kPeripherals) + "/" + device_id(attachment));
    out.member("property", "serial");
  });
  if (!serial) return fail(serial.error());
  const auto* text = serial->as<std::string>();
  held.serial = text == nullptr ? "" : *text;
  return {};
}

void take_nodes(const Array& nodes, Found& all) {
  for (const json::Value& node : nodes) {
    const std::string name = text_of(node, "node-name");
    if (const auto attachment = attachment_of_node(name)) {
      all[*attachment].node = true;
      all[*attachment].size_bytes = size_of(node);
    }
    const auto attachment = attachment_of_protocol(name);
    if (!attachment) continue;
    all[*attachment].protocol = true;
    note_storage(node, all[*attachment]);
  }
}

/// QEMU lists a disk here until its last request has ended, also when it is unplugged.
void take_backends(const Array& backends, Found& all) {
  for (const json::Value& backend : backends) {
    const auto attachment = attachment_of_device(text_of(backend, "qdev"));
    if (!attachment) continue;
    Held& held = all[*attachment];
    held.releasing = !held.device;
    const json::Value* inserted = backend.find("inserted");
    held.read_only = inserted != nullptr && truth_of(*inserted, "ro");
  }
}

void take_secrets(const Array& objects, Found& all) {
  for (const json::Value& object : objects) {
    const auto attachment = attachment_of_secret(text_of(object, "name"));
    if (attachment) all[*attachment].secret = true;
  }
}

Question children(std::string_view path) {
  return {"qom-list", [path](json::Writer& out) { out.member("path", path); }};
}

/// One thing that is asked of QEMU, and how its answer is taken.
struct Part {
  Question question;
  void (*take)(const Array&, Found&);
};

const Part kDevices{children(kPeripherals), take_devices};
const Part kNodes{{"query-named-block-nodes", [](json::Writer& out) { out.member("flat", true); }},
                  take_nodes};
const Part kBackends{{"query-block"}, take_backends};
const Part kSecrets{children("/objects"), take_secrets};

Result<Found> look_at(Qmp& qmp, const std::vector<Part>& parts) {
  std::vector<Question> questions;
  for (const Part& part : parts) questions.push_back(part.question);
  const auto answers = qmp.ask(questions);
  if (!answers) return fail(answers.error());
  Found all;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto* array = (*answers)[i].as<Array>();
    if (array == nullptr) return fail(ErrorCode::internal, "QEMU's answer is no list");
    parts[i].take(*array, all);
  }
  return all;
}

/// Backends after devices: a disk is released when it is in use and no device any more.
Result<Found> look_without_serials(Qmp& qmp) {
  return look_at(qmp, {kDevices, kNodes, kBackends, kSecrets});
}

}  // namespace

Result<std::map<Uuid, Held>> look(Qmp& qmp) {
  auto all = look_without_serials(qmp);
  if (!all) return all;
  for (auto& [attachment, held] : *all) {
    if (auto read = read_serial(qmp, attachment, held); !read) return fail(read.error());
  }
  return all;
}

Result<Held> look(Qmp& qmp, const Uuid& attachment) {
  auto all = look_without_serials(qmp);
  if (!all) return fail(all.error());
  Held held = std::move((*all)[attachment]);
  if (auto read = read_serial(qmp, attachment, held); !read) return fail(read.error());
  return held;
}

Result<bool> is_releasing(Qmp& qmp, const Uuid& attachment) {
  const auto all = look_at(qmp, {kBackends});
  if (!all) return fail(all.error());
  return all->contains(attachment);
}

Result<bool> has_nodes(Qmp& qmp, const Uuid& attachment) {
  const auto all = look_at(qmp, {kNodes});
  if (!all) return fail(all.error());
  return all->contains(attachment);
}

wire::DeviceStatus status_of(const std::string& vm, const Uuid& attachment, const Held& held) {
  wire::DeviceStatus status;
  status.attachment = attachment;
  status.vm = vm;
  status.serial = held.serial;
  status.state = held.complete() ? "attached" : "detaching";
  status.read_only = held.read_only;
  status.size_bytes = held.size_bytes;
  status.grows = !held.read_only;
  return status;
}

Result<bool> is_running(Qmp& qmp) {
  const auto status = qmp.execute("query-status");
  if (!status) return fail(status.error());
  return truth_of(*status, "running");
}

Result<std::optional<Uuid>> vm_uuid(Qmp& qmp) {
  const auto answer = qmp.execute("query-uuid");
  if (!answer) return fail(answer.error());
  const std::string text = text_of(*answer, "UUID");
  if (const auto uuid = Uuid::parse(text)) return uuid->is_nil() ? std::nullopt : uuid;
  return fail(ErrorCode::internal, "QEMU gives a UUID that is none: " + quote(text));
}

Result<bool> agent_connected(Qmp& qmp, const std::string& socket_path) {
  const auto channels = as_array(qmp.execute("query-chardev"));
  if (!channels) return fail(channels.error());
  // QEMU may know the folder by another path, so the file name decides: ".../vm1.qga,server=on".
  const std::string file = socket_path.substr(socket_path.rfind('/') + 1) + ",";
  for (const json::Value& channel : *channels) {
    const std::string filename = text_of(channel, "filename");
    const auto at = filename.find(file);
    if (at == std::string::npos || at == 0) continue;
    if (filename[at - 1] == '/' || filename[at - 1] == ':')
      return truth_of(channel, "frontend-open");
  }
  // A channel that QEMU does not name so may still be there, and has to be tried.
  return ::access(socket_path.c_str(), F_OK) == 0;
}

Result<std::string> child_type(Qmp& qmp, std::string_view path, std::string_view name) {
  const auto children = children_of(qmp, path);
  if (!children) return fail(children.error());
  for (const json::Value& child : *children) {
    if (text_of(child, "name") == name) return text_of(child, "type");
  }
  return std::string();
}

}  // namespace vbs::vmm_delegate::qemu
