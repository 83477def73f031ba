#pragma once

#include <cstdint>
#include <string>

#include "common/ids.h"
#include "common/json.h"
#include "common/secret.h"

namespace vbs::wire {

/// What a VMM node needs to log in to one export.
struct SessionSpec {
  Uuid volume;  ///< the serial that the logical unit must show
  std::string portal;
  std::string iqn;
  std::uint32_t lun = 1;
  std::string chap_user;
  Secret chap_secret;
  bool read_only = false;
  std::int64_t generation = 0;

  static Result<SessionSpec> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

/// Answer of `PUT /v1/sessions/{attachment id}` (body SessionSpec) on a VMM node: discovered,
/// logged in, and the serial read back through that login. `DELETE ...?generation=N` answers 204.
struct SessionStatus {
  Uuid attachment;
  std::string serial;  ///< as read from the device
  std::string path;    ///< host device, "" where the VM has its own initiator
  std::int64_t generation = 0;
  std::uint64_t size_bytes = 0;  ///< of the host device; 0 where there is none or it is not known

  static Result<SessionStatus> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
