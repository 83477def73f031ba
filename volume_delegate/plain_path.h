#pragma once

#include <string>
#include <string_view>

#include "common/config.h"

namespace vbs::volume_delegate {

/// Paths go into comma-separated texts and line-based reports of target daemons: absolute, without
/// comma, control characters and a '/' or a space at the end.
bool is_plain_path(std::string_view path);

/// The path that a key holds; rejects the key where it is none.
std::string read_folder(config::Table& table, std::string_view key);

}  // namespace vbs::volume_delegate
