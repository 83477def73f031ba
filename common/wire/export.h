#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/json.h"
#include "common/secret.h"

namespace vbs::wire {

/// Body of `PUT /v1/exports/{attachment id}` on a volume server: one target, one LUN, one
/// initiator. `generation` grows with every change of mind about an attachment; an order older than
/// the newest one seen is refused (stale-generation), also after the export is gone.
struct ExportSpec {
  Uuid volume;
  std::string initiator;  ///< the only IQN that may log in
  std::string chap_user;
  Secret chap_secret;
  bool read_only = false;
  std::int64_t generation = 0;

  static Result<ExportSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

struct ExportSession {
  std::string initiator;
  std::string address;
};

/// Answer of PUT and GET. `DELETE /v1/exports/{id}?generation=N[&revoke=true][&bury=true]` answers
/// 204 when it is gone; without `revoke` a live session makes it a conflict. With `bury` (which
/// revokes) the volume is gone from it for good, but its target stays, without a logical unit: an
/// initiator that could not be told to leave then gets errors, instead of waiting for ever with
/// its virtual machine. The next DELETE removes it.
struct ExportStatus {
  Uuid attachment;
  Uuid volume;
  std::string iqn;
  std::string portal;  ///< "127.0.0.1:3260"
  std::uint32_t lun = 1;
  std::string serial;  ///< SCSI unit serial number: the volume's UUID
  std::string initiator;
  bool read_only = false;
  std::int64_t generation = 0;
  bool active = true;  ///< false: recorded, but the target daemon does not serve it (being rebuilt)
  bool buried = false;  ///< an empty target is left of it
  std::vector<ExportSession> sessions;
  std::uint64_t size_bytes = 0;  ///< as initiators see it; 0 where the target does not tell

  static Result<ExportStatus> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
