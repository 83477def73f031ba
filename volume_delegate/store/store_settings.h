#pragma once

#include <variant>

#include "common/config.h"
#include "volume_delegate/store/file/file_store.h"
#include "volume_delegate/store/lvm/lvm_store.h"
#include "volume_delegate/store/lvm/lvm_thin_store.h"

namespace vbs::volume_delegate {

/// What [store] says: which kind of store, with its options.
using StoreSettings = std::variant<FileStoreOptions, LvmThickOptions, LvmThinOptions>;

/// Reads [store]; what is wrong is rejected in `table`. Keys of the drivers that are not chosen are
/// checked too, and not used.
StoreSettings read_store_settings(config::Table table);

}  // namespace vbs::volume_delegate
