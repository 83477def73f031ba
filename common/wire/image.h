#pragma once

#include <cstdint>
#include <string>

#include "common/ids.h"
#include "common/json.h"

namespace vbs::wire {

/// What an operator offers on a volume server to make volumes from, in its inventory.
struct ImageStatus {
  Uuid id;
  std::string name;  ///< "" if it has none
  std::uint64_t size_bytes = 0;

  static Result<ImageStatus> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
