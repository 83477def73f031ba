#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "common/error.h"
#include "common/ids.h"

namespace vbs::vmm_delegate {

/// The ids of the files "<uuid><suffix>"; other files are passed over.
Result<std::vector<Uuid>> ids_in(const std::string& path, std::string_view suffix);

/// What a folder holds; `error` says why that is nothing, or not all.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder,
                                              std::error_code& error);

}  // namespace vbs::vmm_delegate
