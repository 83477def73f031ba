#include "api/handlers/attachments.h"

#include <algorithm>

#include "api/access.h"
#include "api/list_query.h"
#include "api/render.h"
#include "common/names.h"

namespace vbs::api {

namespace {

constexpr std::size_t kChapSecretLength = 24;

/// The first of /dev/sdb ... /dev/sdz that no attachment of the VM has.
Result<std::string> free_device(db::Connection& connection, const FoundVm& found) {
  const auto taken = db::AttachmentTable(connection).open_of_vm(found.node, found.vm.name);
  for (char letter = 'b'; letter <= 'z'; ++letter) {
    const std::string name = std::string("/dev/sd") + letter;
    const auto same = [&](const db::Attachment& a) { return a.device == name; };
    if (std::none_of(taken.begin(), taken.end(), same)) return name;
  }
  return fail_field("device", "VM " + found.vm.name +
                                  " has no free name from /dev/sdb to /dev/sdz; say which to use");
}

/// One writer, or any number of readers, and no VM twice.
Result<void> check_sharing(db::Connection& connection, const NewAttachment& wanted,
                           const FoundVm& found) {
  for (const db::Attachment& other :
       db::AttachmentTable(connection).open_of_volume(wanted.volume)) {
    const bool same_vm = other.vm == wanted.vm && other.vmm_node == found.node;
    if (!other.read_only || !wanted.read_only || same_vm) {
      return fail(
          ErrorCode::conflict,
          "volume " + wanted.volume.str() + " is attached to VM " + other.vm + " as " +
              other.device + (other.read_only ? " (read-only)" : "") +
              "; detach it first (only read-only attachments to different VMs go together)");
    }
  }
  return {};
}

Result<void> write_attachment(db::Transaction& tx, const Principal& principal,
                              const NewAttachment& wanted, const FoundVm& found,
                              db::Attachment attachment, db::Operation& operation) {
  db::Connection& connection = tx.connection();
  auto volume = hold_volume(tx, principal, operation);
  if (!volume) return fail(volume.error());
  if (auto ok = check_sharing(connection, wanted, found); !ok) return ok;
  attachment.device = wanted.device;
  if (attachment.device.empty()) {
    auto device = free_device(connection, found);
    if (!device) return fail(device.error());
    attachment.device = *device;
  }
  attachment.project = volume->project;
  attachment.volume_server = volume->node;
  if (db::AttachmentTable(connection).insert(attachment)) return {};
  return fail(
      {ErrorCode::already_exists,
       attachment.device + " is taken on VM " + found.vm.name + "; choose another, or leave it out",
       "device",
       {},
       {}});
}

/// What an attachment row holds before the volume is looked at: who, where, and fresh credentials.
db::Attachment new_attachment(Services& services, const NewAttachment& wanted, const FoundVm& found,
                              const db::Operation& operation) {
  db::Attachment attachment;
  attachment.id = operation.attachment;
  attachment.volume = wanted.volume;
  attachment.vmm_node = found.node;
  attachment.vm = wanted.vm;
  attachment.vm_uuid = found.vm.uuid;
  attachment.read_only = wanted.read_only;
  attachment.initiator = found.initiator;
  attachment.chap_user = "vbs-" + attachment.id.base32();
  attachment.sealed_secret =
      services.database.box().seal(Secret(services.random.alphanumeric(kChapSecretLength)),
                                   attachment.id.str(), services.random);
  attachment.created_at = attachment.updated_at = operation.created_at;
  return attachment;
}

/// An attachment of a volume that the principal may see.
Result<db::Attachment> visible_attachment(db::Connection& connection, const Principal& principal,
                                          const Uuid& volume, const Uuid& id) {
  if (auto found = visible_volume(connection, principal, volume); !found)
    return fail(found.error());
  auto attachment = db::AttachmentTable(connection).find(id);
  if (!attachment || attachment->volume != volume ||
      attachment->state == db::AttachmentState::closed) {
    return fail(ErrorCode::not_found, "volume " + volume.str() + " has no attachment " + id.str());
  }
  return std::move(*attachment);
}

}  // namespace

Result<NewAttachment> read_new_attachment(const http::Request& request) {
  auto id = path_id(request, "id");
  if (!id) return fail(id.error());
  auto body = read_body(request);
  if (!body) return fail(body.error());
  NewAttachment wanted;
  wanted.volume = *id;
  json::Fields fields(*body);
  wanted.vm = fields.string("vm");
  wanted.node = fields.optional_string("node").value_or("");
  const auto device = fields.optional_string("device");
  wanted.read_only = fields.boolean_or("read_only", false);
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  if (auto ok = check_node_name(wanted.vm, "vm"); !ok) return fail(ok.error());
  if (!wanted.node.empty()) {
    if (auto ok = check_node_name(wanted.node, "node"); !ok) return fail(ok.error());
  }
  if (device) {
    auto canonical = check_device_name(*device, "device");
    if (!canonical) return fail(canonical.error());
    wanted.device = *canonical;
  }
  return wanted;
}

void AttachmentHandlers::attach(const Principal& principal, const http::Request& request,
                                http::Responder respond) const {
  auto wanted = read_new_attachment(request);
  if (!wanted) return respond(http::problem(wanted.error()));
  if (submitter_.answered_before(principal, request, respond)) return;
  auto seen = services_.database.read([&](db::Connection& connection) {
    return visible_volume(connection, principal, wanted->volume);
  });
  if (!seen || !*seen) return respond(http::problem(seen ? seen->error() : seen.error()));

  auto look = [this, principal, request, wanted = *wanted, respond] {
    services_.vms.find(wanted.vm, wanted.node, [=, this](Result<FoundVm> found) {
      if (!found) return respond(http::problem(found.error()));
      if (found->vm.state == "off") {
        return respond(http::problem({ErrorCode::conflict,
                                      "VM " + wanted.vm + " is off; start it first",
                                      "vm",
                                      found->node,
                                      {}}));
      }
      db::Operation operation = submitter_.draft(principal, "attach-volume");
      operation.volume = wanted.volume;
      operation.attachment = Uuid::generate(services_.clock, services_.random);
      const db::Attachment attachment = new_attachment(services_, wanted, *found, operation);
      submitter_.submit(
          principal, request, std::move(operation),
          [=, found = *found](db::Transaction& tx, db::Operation& op) {
            return write_attachment(tx, principal, wanted, found, attachment, op);
          },
          respond);
    });
  };
  services_.executor.post(std::move(look));
}

void AttachmentHandlers::detach(const Principal& principal, const http::Request& request,
                                http::Responder respond) const {
  ListQuery query(request);
  const bool force = query.flag("force");
  if (auto ok = query.finish(); !ok) return respond(http::problem(ok.error()));
  auto volume = path_id(request, "id");
  auto id = path_id(request, "attachment_id");
  if (!volume || !id) return respond(http::problem(volume ? id.error() : volume.error()));

  db::Operation operation = submitter_.draft(principal, "detach-volume");
  operation.volume = *volume;
  operation.attachment = *id;
  if (force) operation.options = R"({"force":true})";
  auto intent = [principal](db::Transaction& tx, db::Operation& op) -> Result<void> {
    auto attachment = visible_attachment(tx.connection(), principal, op.volume, op.attachment);
    if (!attachment) return fail(attachment.error());
    op.project = attachment->project;
    return db::begin_operation(tx, op, {{db::volume_resource(op.volume)}});
  };
  submitter_.submit(principal, request, std::move(operation), std::move(intent),
                    std::move(respond));
}

http::Response AttachmentHandlers::list(const Principal& principal,
                                        const http::Request& request) const {
  auto volume = path_id(request, "id");
  if (!volume) return http::problem(volume.error());
  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    if (auto found = visible_volume(connection, principal, *volume); !found)
      return fail(found.error());
    const Holders holders(connection);
    json::Writer out;
    out.begin_object();
    out.key("attachments");
    out.begin_array();
    for (const db::Attachment& attachment :
         db::AttachmentTable(connection).open_of_volume(*volume)) {
      render_attachment(out, attachment, holders.of(db::volume_resource(*volume)));
    }
    out.end_array();
    render_next(out, false, {});
    out.end_object();
    return out.take();
  });
}

http::Response AttachmentHandlers::get(const Principal& principal,
                                       const http::Request& request) const {
  auto volume = path_id(request, "id");
  auto id = path_id(request, "attachment_id");
  if (!volume || !id) return http::problem(volume ? id.error() : volume.error());
  return answer_read(services_.database, [&](db::Connection& connection) -> Result<std::string> {
    auto attachment = visible_attachment(connection, principal, *volume, *id);
    if (!attachment) return fail(attachment.error());
    json::Writer out;
    render_attachment_of(out, connection, *attachment);
    return out.take();
  });
}

}  // namespace vbs::api
