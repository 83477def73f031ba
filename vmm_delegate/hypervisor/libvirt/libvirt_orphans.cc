#include "vmm_delegate/hypervisor/libvirt/libvirt_orphans.h"

#include <poll.h>

#include <algorithm>

#include "common/json.h"
#include "common/log.h"
#include "vmm_delegate/hypervisor/qemu/qmp.h"
#include "vmm_delegate/hypervisor/unix_socket.h"

namespace vbs::vmm_delegate::libvirt {
namespace {

using Array = json::Value::Array;

constexpr int kPollMs = 50;

/// libvirt gives the command an id itself.
Result<json::Value> ask(const Domain& domain, std::string_view command,
                        const Arguments& arguments) {
  json::Writer out;
  out.begin_object();
  out.member("execute", command);
  out.key("arguments");
  out.begin_object();
  arguments(out);
  out.end_object();
  out.end_object();
  const auto answer = domain.ask_monitor(out.take());
  if (!answer) return fail(answer.error());
  const auto value = json::parse(*answer);
  if (!value) return fail(ErrorCode::internal, "QEMU's answer is not understood");
  if (const json::Value* error = value->find("error")) {
    return fail(ErrorCode::conflict,
                "QEMU refuses " + std::string(command) + ": " + text_of(*error, "desc"));
  }
  const json::Value* result = value->find("return");
  if (result == nullptr) return fail(ErrorCode::internal, "QEMU's answer is not understood");
  return *result;
}

Result<Array> ask_list(const Domain& domain, std::string_view command, const Arguments& arguments) {
  const auto answer = ask(domain, command, arguments);
  if (!answer) return fail(answer.error());
  const auto* list = answer->as<Array>();
  if (list == nullptr) return fail(ErrorCode::internal, "QEMU's answer is no list");
  return *list;
}

Result<bool> has_device(const Domain& domain, const std::string& id) {
  const auto devices = ask_list(
      domain, "qom-list", [](json::Writer& out) { out.member("path", "/machine/peripheral"); });
  if (!devices) return fail(devices.error());
  return std::any_of(devices->begin(), devices->end(),
                     [&](const json::Value& device) { return text_of(device, "name") == id; });
}

/// Those that read and write the attachment's path: udev names it after the target, and that after
/// the attachment.
Result<std::vector<std::string>> nodes_of(const Domain& domain, const Uuid& attachment) {
  const auto nodes = ask_list(domain, "query-named-block-nodes",
                              [](json::Writer& out) { out.member("flat", true); });
  if (!nodes) return fail(nodes.error());
  std::vector<std::string> names;
  for (const json::Value& node : *nodes) {
    if (text_of(node, "file").find(attachment.str()) == std::string::npos) continue;
    names.push_back(text_of(node, "node-name"));
  }
  return names;
}

Result<void> remove_device(const Domain& domain, const std::string& id, Milliseconds limit) {
  auto there = has_device(domain, id);
  if (!there) return fail(there.error());
  if (!*there) return {};
  log::warning("a VM has a device that libvirt knows nothing of, which is removed",
               {{"device", id}});
  const auto asked = ask(domain, "device_del", [&](json::Writer& out) { out.member("id", id); });
  const MonotonicTime deadline = deadline_in(limit);
  while (true) {
    there = has_device(domain, id);
    if (!there) return fail(there.error());
    if (!*there) return {};
    if (!asked) return fail(asked.error());
    if (poll_timeout(deadline) == 0) {
      return fail(ErrorCode::timeout,
                  "the guest has not let go of a device that libvirt knows nothing of");
    }
    ::poll(nullptr, 0, kPollMs);
  }
}

Result<void> close_nodes(const Domain& domain, const Uuid& attachment) {
  std::size_t before = 0;
  while (true) {
    const auto nodes = nodes_of(domain, attachment);
    if (!nodes) return fail(nodes.error());
    if (nodes->empty()) return {};
    if (before != 0 && nodes->size() >= before) {
      return fail(ErrorCode::timeout,
                  "QEMU keeps " + nodes->front() + " open, which libvirt knows nothing of");
    }
    before = nodes->size();
    for (const std::string& node : *nodes) {
      log::warning("a VM has the disk open past libvirt, which is ended",
                   {{"attachment", attachment.str()}, {"node", node}});
      // One that another still uses is refused, and gets its turn again.
      auto closed =
          ask(domain, "blockdev-del", [&](json::Writer& out) { out.member("node-name", node); });
      if (!closed && closed.error().code != ErrorCode::conflict) return fail(closed.error());
    }
  }
}

}  // namespace

Result<void> remove_orphans(const Domain& domain, const LibvirtOptions& options,
                            const Uuid& attachment) {
  auto done = remove_device(domain, alias_of(attachment), options.removal);
  if (done) done = close_nodes(domain, attachment);
  // Nothing proves that the VM holds nothing, not even that it is off now.
  if (!done && done.error().code == ErrorCode::conflict) done.error().code = ErrorCode::timeout;
  return done;
}

}  // namespace vbs::vmm_delegate::libvirt
