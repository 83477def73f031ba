#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/secret_box.h"
#include "db/connection.h"

namespace vbs::db {

/// `reserved` holds the device name and the one-writer rule while an operation is in flight.
enum class AttachmentState { reserved, attached, closed };
std::string_view to_string(AttachmentState state);

struct Attachment {
  std::int64_t seq = 0;
  Uuid id;
  Uuid volume;
  std::string project;
  std::string volume_server;
  std::string vmm_node;
  std::string vm;
  std::optional<Uuid> vm_uuid;  ///< of the VM that was meant, where it has one
  std::string device;           ///< the name asked for (or chosen): "/dev/sdb"
  bool read_only = false;
  AttachmentState state = AttachmentState::reserved;
  std::string reason;     ///< why closed
  std::string initiator;  ///< IQN of the VMM node
  std::string chap_user;
  /// For this attachment's id, by the database's box. "" once closed, and where an operator has
  /// given up a key that was lost.
  std::string sealed_secret;
  std::string iqn;  ///< of the target, once exported
  std::string portal;
  std::uint32_t lun = 0;
  std::string serial;  ///< as the VM shows it, once attached
  std::optional<std::string> guest_device;
  WallTime created_at{};
  WallTime updated_at{};
};

/// Attachments: who shows which volume to whom. Belongs to its connection's thread.
class AttachmentTable {
 public:
  explicit AttachmentTable(Connection& connection) : connection_(connection) {}
  std::optional<Attachment> find(const Uuid& id);
  /// Not closed, by seq.
  std::vector<Attachment> open_of_volume(const Uuid& volume);
  /// Not closed, of the volumes with these seqs, which ascend; in their order, for lists of
  /// volumes.
  std::vector<Attachment> open_of_volumes(const std::vector<std::int64_t>& volume_seqs);
  std::vector<Attachment> open_on_vmm(std::string_view vmm_node);
  std::vector<Attachment> open_on_volume_server(std::string_view volume_server);
  std::vector<Attachment> open_of_vm(std::string_view vmm_node, std::string_view vm);
  /// Sets attachment.seq. False when the device name is taken on that VM.
  bool insert(Attachment& attachment);
  /// The CHAP secret of one that `find` or a list gave; empty if it has none. Throws SqliteError if
  /// the row was changed by somebody else.
  static Secret open_secret(const Attachment& attachment, const SecretBox& box);
  void set_export(const Uuid& id, std::string_view iqn, std::string_view portal, std::uint32_t lun);
  void set_device(const Uuid& id, std::string_view serial,
                  const std::optional<std::string>& guest_device);
  /// Where none is known of an attached one: from before its node told any.
  void set_vm_uuid(const Uuid& id, const Uuid& vm_uuid);

 private:
  Connection& connection_;
};

}  // namespace vbs::db
