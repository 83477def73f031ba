#pragma once

#include "db/state_text.h"

namespace vbs::db {

inline constexpr StateTexts<5> kOperationStates = {"running", "undoing", "succeeded", "failed",
                                                   "cancelled"};
inline constexpr StateTexts<2> kLockModes = {"shared", "exclusive"};

}  // namespace vbs::db
