#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/ids.h"

/// Folders of small files that are named by a UUID.
namespace vbs::vmm_delegate {

/// The ids of the files "<uuid><suffix>"; other files are passed over.
Result<std::vector<Uuid>> ids_in(const std::string& path, std::string_view suffix);

}  // namespace vbs::vmm_delegate
