#include "vmm_delegate/hypervisor/qemu/qemu_plug.h"

#include "common/fault_point.h"
#include "vmm_delegate/hypervisor/qemu/qemu_names.h"
#include "vmm_delegate/hypervisor/scsi_address.h"

namespace vbs::vmm_delegate::qemu {
namespace {

constexpr std::string_view kController = "scsi0";
constexpr std::string_view kControllerType = "virtio-scsi-pci";
constexpr Milliseconds kUnplugWait{3'000};
/// On top of the iSCSI timeout, for commands that log in or out.
constexpr Milliseconds kIscsiMargin{3'000};
constexpr std::uint32_t kAddressTries = 16;

Milliseconds iscsi_limit(const PlugOptions& options) {
  return std::chrono::seconds(options.iscsi_timeout_s) + kIscsiMargin;
}

Result<void> discard(Result<json::Value> answer) {
  if (!answer) return fail(answer.error());
  return {};
}

Result<void> ensure_controller(Qmp& qmp) {
  const auto type = child_type(qmp, "/machine/peripheral", kController);
  if (!type) return fail(type.error());
  if (*type == "child<" + std::string(kControllerType) + ">") return {};
  if (!type->empty()) {
    return fail(ErrorCode::conflict, "the VM's device 'scsi0' is no virtio-scsi-pci controller");
  }
  auto added = qmp.execute("device_add", [](json::Writer& out) {
    out.member("driver", kControllerType);
    out.member("id", kController);
  });
  if (added || added.error().code != ErrorCode::conflict) return discard(std::move(added));
  return fail(ErrorCode::conflict,
              "the VM has no controller 'scsi0' (virtio-scsi-pci) and takes "
              "none now; start it with one (" +
                  added.error().message + ")");
}

Result<void> add_secret(Qmp& qmp, const Uuid& attachment, const Secret& secret) {
  return discard(qmp.execute("object-add", [&](json::Writer& out) {
    out.member("qom-type", "secret");
    out.member("id", secret_id(attachment));
    out.member("data", secret.reveal());
  }));
}

/// What is opened for the VM: the session's target or, where it is not empty, the host's device.
struct Source {
  const wire::SessionSpec& session;
  const std::string& host_path;
};

void write_target(json::Writer& out, const Uuid& attachment, const wire::SessionSpec& session,
                  const PlugOptions& options) {
  out.member("driver", "iscsi");
  out.member("transport", "tcp");
  out.member("portal", session.portal);
  out.member("target", session.iqn);
  out.member("lun", static_cast<std::int64_t>(session.lun));
  out.member("user", session.chap_user);
  out.member("password-secret", secret_id(attachment));
  out.member("initiator-name", options.initiator);
  // Without it a portal that accepts and never answers stops the whole VM for ever.
  out.member("timeout", options.iscsi_timeout_s);
}

void write_device(json::Writer& out, const std::string& path) {
  out.member("driver", "host_device");
  out.member("filename", path);
  out.member("aio", "native");  // needs cache.direct
}

void write_protocol(json::Writer& out, const Uuid& attachment, const Source& source,
                    const PlugOptions& options) {
  out.begin_object();
  if (source.host_path.empty()) {
    write_target(out, attachment, source.session, options);
  } else {
    write_device(out, source.host_path);
  }
  out.member("node-name", protocol_name(attachment));
  out.member("read-only", source.session.read_only);
  out.member("discard", "unmap");
  out.key("cache");
  out.begin_object();
  out.member("direct", true);
  out.end_object();
  out.end_object();
}

/// QEMU's refusals are free text; what cannot pass by itself is told apart here.
Error open_error(Error error) {
  if (error.code != ErrorCode::conflict) return error;
  if (error.message.find("Unknown driver 'iscsi'") != std::string::npos) {
    error.message = "this QEMU has no iSCSI driver; install the package qemu-block-extra";
    return error;
  }
  error.code = ErrorCode::node_unavailable;
  return error;
}

Result<void> open_nodes(Qmp& qmp, const Uuid& attachment, const Source& source,
                        const PlugOptions& options) {
  const Arguments arguments = [&](json::Writer& out) {
    out.member("driver", "raw");
    out.member("node-name", node_name(attachment));
    out.member("discard", "unmap");
    out.member("read-only", source.session.read_only);
    out.key("file");
    write_protocol(out, attachment, source, options);
  };
  auto added = qmp.execute("blockdev-add", arguments, iscsi_limit(options));
  if (!added) return fail(open_error(added.error()));
  return {};
}

Result<void> add_disk(Qmp& qmp, const Uuid& attachment, const Uuid& volume) {
  Result<json::Value> added;
  for (std::uint32_t attempt = 0; attempt < kAddressTries; ++attempt) {
    const ScsiAddress address = scsi_address(attachment, attempt);
    added = qmp.execute("device_add", [&](json::Writer& out) {
      out.member("driver", "scsi-hd");
      out.member("bus", std::string(kController) + ".0");
      out.member("id", device_id(attachment));
      out.member("drive", node_name(attachment));
      out.member("serial", volume.str());
      // Page 0x83 would show only the first 20 characters of the serial.
      out.member("device_id", volume.str());
      out.member("scsi-id", static_cast<std::int64_t>(address.target));
      out.member("lun", static_cast<std::int64_t>(address.unit));
    });
    const bool taken =
        !added && added.error().message.find("lun already used by") != std::string::npos;
    if (!taken) break;
  }
  return discard(std::move(added));
}

Result<void> close_node(Qmp& qmp, const std::string& name, const PlugOptions& options) {
  const Arguments arguments = [&](json::Writer& out) { out.member("node-name", name); };
  return discard(qmp.execute("blockdev-del", arguments, iscsi_limit(options)));
}

Result<void> drop_secret(Qmp& qmp, const Uuid& attachment) {
  return discard(qmp.execute("object-del",
                             [&](json::Writer& out) { out.member("id", secret_id(attachment)); }));
}

}  // namespace

Result<void> plug(Qmp& qmp, const Uuid& attachment, const wire::SessionSpec& session,
                  const std::string& host_path, const PlugOptions& options) {
  const bool logs_in = host_path.empty();
  if (auto done = ensure_controller(qmp); !done) return done;
  if (logs_in) {
    fault_point("vmmd.attach.before-secret");
    if (auto done = add_secret(qmp, attachment, session.chap_secret); !done) return done;
  }
  fault_point("vmmd.attach.before-blockdev");
  if (auto done = open_nodes(qmp, attachment, {session, host_path}, options); !done) return done;
  fault_point("vmmd.attach.after-blockdev");
  // It is needed for the login only: QEMU's iSCSI driver keeps its own copy.
  if (logs_in) {
    if (auto done = drop_secret(qmp, attachment); !done) return done;
  }
  fault_point("vmmd.attach.before-device");
  if (auto done = add_disk(qmp, attachment, session.volume); !done) return done;
  fault_point("vmmd.attach.after-device");
  return {};
}

Result<void> resize(Qmp& qmp, const Uuid& attachment, std::uint64_t size_bytes,
                    const PlugOptions& options) {
  const Arguments arguments = [&](json::Writer& out) {
    out.member("node-name", node_name(attachment));
    out.member("size", static_cast<std::int64_t>(size_bytes));
  };
  fault_point("vmmd.resize.before-block-resize");
  auto resized = qmp.execute("block_resize", arguments, iscsi_limit(options));
  // QEMU refuses to make a device larger than its target says it is.
  if (!resized) return fail(open_error(resized.error()));
  fault_point("vmmd.resize.after-block-resize");
  return {};
}

Result<bool> unplug(Qmp& qmp, const Uuid& attachment) {
  const std::string id = device_id(attachment);
  fault_point("vmmd.detach.before-device-del");
  auto deleted = qmp.execute("device_del", [&](json::Writer& out) { out.member("id", id); });
  if (!deleted) return fail(deleted.error());
  fault_point("vmmd.detach.after-device-del");
  return qmp.wait_deleted(id, kUnplugWait);
}

Result<void> close_nodes(Qmp& qmp, const Uuid& attachment, const Held& held,
                         const PlugOptions& options) {
  if (held.node || held.protocol) {
    fault_point("vmmd.detach.before-blockdev-del");
    // The protocol node goes with the node above it, where there is one.
    const std::string name = held.node ? node_name(attachment) : protocol_name(attachment);
    if (auto done = close_node(qmp, name, options); !done) return done;
    fault_point("vmmd.detach.after-blockdev-del");
  }
  if (held.secret) {
    if (auto done = drop_secret(qmp, attachment); !done) return done;
    fault_point("vmmd.detach.after-object-del");
  }
  return {};
}

}  // namespace vbs::vmm_delegate::qemu
