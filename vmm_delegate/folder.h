#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/ids.h"

/// Folders of small files that are named by a UUID.
namespace vbs::vmm_delegate {

/// Makes the folder with mode 0700 where it is missing; its parent must be there.
Result<void> make_private_folder(const std::string& path);
/// The ids of the files "<uuid><suffix>"; other files are passed over.
Result<std::vector<Uuid>> ids_in(const std::string& path, std::string_view suffix);

}  // namespace vbs::vmm_delegate
