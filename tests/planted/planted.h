#pragma once

#include <string_view>

namespace vbs {

/// Whether this bug, the name of a patch in this folder, is in the program now. One thread.
bool planted(std::string_view bug);
/// From now on just this one is; "" for none.
void plant(std::string_view bug);

}  // namespace vbs
