#pragma once

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

}  // namespace vbs::volume_delegate
