#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "common/wire/session.h"
#include "vmm_delegate/initiator/iscsi_names.h"
#include "vmm_delegate/initiator/record_text.h"

namespace vbs::vmm_delegate {

/// open-iscsi's database, a folder of text files: NODES/IQN/ADDRESS,PORT,GROUP/INTERFACE. It is
/// written here, and not by iscsiadm, because iscsiadm takes a CHAP secret in its arguments only.
/// Touches nothing but files of this node's interface. Thread-safe for different attachments.
class NodeRecords {
 public:
  /// `folder` is /etc/iscsi.
  NodeRecords(std::string folder, RecordCommon common);

  /// Makes the interface's record where it is missing, empty or other.
  Result<void> write_interface();
  /// Likewise the node record of one attachment; others of the same target are removed.
  Result<void> write(const wire::SessionSpec& session, const PortalAddress& portal,
                     std::uint32_t portal_group);
  /// Where `write` puts it.
  std::string path_of(const std::string& iqn, const PortalAddress& portal,
                      std::uint32_t portal_group) const;
  /// Success when there is none.
  Result<void> remove(const Uuid& attachment);

  struct Found {
    Uuid attachment;
    std::int64_t generation = 0;  ///< 0 in a record that does not tell
  };
  /// The records of this node's interface, damaged ones included.
  Result<std::vector<Found>> list() const;
  /// What the attachment's record logs in with; nothing where it does not tell all of that, as a
  /// damaged one. Whether the VM may write is not in it.
  Result<std::optional<wire::SessionSpec>> session(const Uuid& attachment) const;

 private:
  struct File {
    Uuid attachment;
    std::string path;
  };
  /// Of one attachment, or of all.
  Result<std::vector<File>> files(const std::optional<Uuid>& only) const;
  static Result<void> remove_file(const File& file);
  Result<void> remove_empty_folders(const Uuid& attachment) const;

  std::mutex interface_mutex_;  ///< all attachments share that record
  const std::string folder_;
  const std::string nodes_;
  const RecordCommon common_;
};

}  // namespace vbs::vmm_delegate
