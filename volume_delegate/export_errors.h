#pragma once

#include <string>

#include "common/error.h"
#include "common/ids.h"

namespace vbs::volume_delegate {

/// An order that was overtaken by a newer one.
inline tl::unexpected<Error> stale_order(const Uuid& attachment, std::int64_t asked,
                                         std::int64_t seen) {
  return fail(ErrorCode::stale_generation, "export " + attachment.str() + " has seen generation " +
                                               std::to_string(seen) + "; an order of generation " +
                                               std::to_string(asked) + " comes too late");
}

inline tl::unexpected<Error> no_export(const Uuid& attachment) {
  return fail(ErrorCode::not_found, "there is no export " + attachment.str() + " on this server");
}

}  // namespace vbs::volume_delegate
