#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vbs::cli {

/// The known word that was probably meant, or "" if none is near: few edits (insert, delete,
/// replace, swap of neighbours), or the only one that begins so.
std::string suggest(std::string_view typed, const std::vector<std::string>& known);

}  // namespace vbs::cli
