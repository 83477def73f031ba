#pragma once

#include <variant>

#include "common/config.h"
#include "volume_delegate/store/file_store.h"

namespace vbs::volume_delegate {

/// What [store] says: which kind of store, with its options.
using StoreSettings = std::variant<FileStoreOptions>;

/// Reads [store]; what is wrong is rejected in `table`.
StoreSettings read_store_settings(config::Table table);

}  // namespace vbs::volume_delegate
