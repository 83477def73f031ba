#pragma once

#include <functional>
#include <string>

#include "common/error.h"

namespace vbs::volume_delegate {

/// Removing what is gone already is success.
inline Result<void> absent_is_fine(Result<void> result) {
  if (!result && result.error().code == ErrorCode::not_found) return {};
  return result;
}

/// Making what is there already is success.
inline Result<void> present_is_fine(Result<void> result) {
  if (!result && result.error().code == ErrorCode::already_exists) return {};
  return result;
}

/// Takes a target down, in as many tries as it needs: `step` does what it can, and says conflict
/// while something of the target is there yet, such as sessions that drain. timeout: so it is after
/// 5 s. `who` serves it, for the message.
Result<void> until_gone(const std::string& who, const std::string& iqn,
                        const std::function<Result<void>()>& step);

}  // namespace vbs::volume_delegate
