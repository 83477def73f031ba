#include "db/attachment_table.h"

#include "db/state_text.h"

namespace vbs::db {
namespace {

/// Volumes between, for each one asked for, from which on each is looked up by itself.
constexpr std::size_t kSparse = 4;

constexpr StateTexts<3> kStates = {"reserved", "attached", "closed"};

const std::string kSelect =
    "SELECT seq, uid, volume_uid, project, volume_server, vmm_node, vm, device, read_only, state,"
    " reason, initiator, chap_user, sealed_secret, iqn, portal, lun, serial, guest_device,"
    " created_at, updated_at, vm_uuid FROM attachments WHERE ";

Attachment read_attachment(const Statement& row) {
  Attachment attachment;
  attachment.seq = row.integer(0);
  attachment.id = row.uuid(1);
  attachment.volume = row.uuid(2);
  attachment.project = row.string(3);
  attachment.volume_server = row.string(4);
  attachment.vmm_node = row.string(5);
  attachment.vm = row.string(6);
  attachment.device = row.string(7);
  attachment.read_only = row.integer(8) != 0;
  attachment.state = stored_state<AttachmentState>(kStates, row.text(9));
  attachment.reason = row.string(10);
  attachment.initiator = row.string(11);
  attachment.chap_user = row.string(12);
  attachment.sealed_secret = row.string(13);
  attachment.iqn = row.string(14);
  attachment.portal = row.string(15);
  attachment.lun = static_cast<std::uint32_t>(row.integer(16));
  attachment.serial = row.string(17);
  attachment.guest_device = row.optional_string(18);
  attachment.created_at = row.time(19);
  attachment.updated_at = row.time(20);
  if (row.optional_string(21)) attachment.vm_uuid = row.uuid(21);
  return attachment;
}

std::vector<Attachment> read_attachments(Statement& query) {
  std::vector<Attachment> attachments;
  while (query.step()) attachments.push_back(read_attachment(query));
  return attachments;
}

}  // namespace

std::string_view to_string(AttachmentState state) {
  return state_text(kStates, state);
}

std::optional<Attachment> AttachmentTable::find(const Uuid& id) {
  static const std::string sql = kSelect + "uid = ?";
  auto query = connection_.prepare(sql);
  if (!query.bind(id).step()) return std::nullopt;
  return read_attachment(query);
}

std::vector<Attachment> AttachmentTable::open_of_volume(const Uuid& volume) {
  static const std::string sql =
      kSelect +
      "volume_seq = (SELECT v.seq FROM volumes v WHERE v.uid = ?) AND state <> 'closed'"
      " ORDER BY seq";
  auto query = connection_.prepare(sql);
  return read_attachments(query.bind(volume));
}

std::vector<Attachment> AttachmentTable::open_of_volumes(
    const std::vector<std::int64_t>& volume_seqs) {
  static const std::string by_range =
      kSelect + "volume_seq BETWEEN ? AND ? AND state <> 'closed' ORDER BY volume_seq, seq";
  static const std::string one_by_one =
      kSelect +
      "volume_seq IN (SELECT value FROM json_each(?)) AND state <> 'closed'"
      " ORDER BY volume_seq, seq";
  if (volume_seqs.empty()) return {};
  // Where many volumes of others lie between, their attachments are not for reading.
  const auto span = static_cast<std::size_t>(volume_seqs.back() - volume_seqs.front());
  if (span <= kSparse * volume_seqs.size()) {
    auto query = connection_.prepare(by_range);
    return read_attachments(query.bind(volume_seqs.front()).bind(volume_seqs.back()));
  }
  std::string array;
  for (const std::int64_t seq : volume_seqs)
    array += (array.empty() ? "[" : ",") + std::to_string(seq);
  auto query = connection_.prepare(one_by_one);
  return read_attachments(query.bind(array + "]"));
}

std::vector<Attachment> AttachmentTable::open_on_vmm(std::string_view vmm_node) {
  static const std::string sql = kSelect + "vmm_node = ? AND state <> 'closed' ORDER BY seq";
  auto query = connection_.prepare(sql);
  return read_attachments(query.bind(vmm_node));
}

std::vector<Attachment> AttachmentTable::open_on_volume_server(std::string_view volume_server) {
  static const std::string sql = kSelect + "volume_server = ? AND state <> 'closed' ORDER BY seq";
  auto query = connection_.prepare(sql);
  return read_attachments(query.bind(volume_server));
}

std::vector<Attachment> AttachmentTable::open_of_vm(std::string_view vmm_node,
                                                    std::string_view vm) {
  static const std::string sql =
      kSelect + "vmm_node = ? AND vm = ? AND state <> 'closed' ORDER BY seq";
  auto query = connection_.prepare(sql);
  return read_attachments(query.bind(vmm_node).bind(vm));
}

bool AttachmentTable::insert(Attachment& attachment) {
  // An unknown volume gives no volume_seq, which the column refuses.
  auto row = connection_.prepare(
      "INSERT INTO attachments (volume_seq, uid, volume_uid, project, volume_server, vmm_node, vm,"
      " device, read_only, state, reason, initiator, chap_user, sealed_secret, iqn, portal, lun,"
      " serial, guest_device, created_at, updated_at, vm_uuid)"
      " VALUES ((SELECT v.seq FROM volumes v WHERE v.uid = ?2), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
      " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"
      " ON CONFLICT (vmm_node, vm, device) WHERE state <> 'closed' DO NOTHING");
  row.bind(attachment.id).bind(attachment.volume).bind(attachment.project);
  row.bind(attachment.volume_server).bind(attachment.vmm_node).bind(attachment.vm);
  row.bind(attachment.device).bind(attachment.read_only).bind(to_string(attachment.state));
  row.bind(attachment.reason).bind(attachment.initiator).bind(attachment.chap_user);
  row.bind(attachment.sealed_secret).bind(attachment.iqn).bind(attachment.portal);
  row.bind(std::int64_t{attachment.lun}).bind(attachment.serial).bind(attachment.guest_device);
  row.bind(attachment.created_at).bind(attachment.updated_at);
  row.bind(attachment.vm_uuid ? std::optional(attachment.vm_uuid->str()) : std::nullopt);
  if (row.run() == 0) return false;
  attachment.seq = connection_.last_insert_rowid();
  return true;
}

Secret AttachmentTable::open_secret(const Attachment& attachment, const SecretBox& box) {
  if (attachment.sealed_secret.empty()) return {};
  auto secret = box.open(attachment.sealed_secret, attachment.id.str());
  if (secret) return *std::move(secret);
  throw SqliteError(SQLITE_CORRUPT,
                    "attachment " + attachment.id.str() + ": " + secret.error().message);
}

void AttachmentTable::set_export(const Uuid& id, std::string_view iqn, std::string_view portal,
                                 std::uint32_t lun) {
  connection_.prepare("UPDATE attachments SET iqn = ?, portal = ?, lun = ? WHERE uid = ?")
      .bind(iqn)
      .bind(portal)
      .bind(std::int64_t{lun})
      .bind(id)
      .run();
}

void AttachmentTable::set_device(const Uuid& id, std::string_view serial,
                                 const std::optional<std::string>& guest_device) {
  connection_.prepare("UPDATE attachments SET serial = ?, guest_device = ? WHERE uid = ?")
      .bind(serial)
      .bind(guest_device)
      .bind(id)
      .run();
}

void AttachmentTable::set_vm_uuid(const Uuid& id, const Uuid& vm_uuid) {
  connection_
      .prepare(
          "UPDATE attachments SET vm_uuid = ? WHERE uid = ? AND vm_uuid IS NULL"
          " AND state = 'attached'")
      .bind(vm_uuid.str())
      .bind(id)
      .run();
}

}  // namespace vbs::db
