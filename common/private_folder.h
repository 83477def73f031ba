#pragma once

#include <string>

#include "common/error.h"

namespace vbs {

/// Makes the folder with mode 0700 where it is missing; its parent must be there. One that is there
/// must belong to this user; if others may look into it, it is closed to them, with a warning.
Result<void> make_private_folder(const std::string& path);
/// Removes what a crash left of files in the folder that were being written (write_file_durably):
/// they may hold secrets. Only while nobody writes there.
Result<void> remove_temporary_files(const std::string& folder);

}  // namespace vbs
