#include "volume_delegate/store/make_store.h"

#include <utility>

#include "common/log.h"

namespace vbs::volume_delegate {
namespace {

Result<std::unique_ptr<BackingStore>> open(const FileStoreOptions& options) {
  auto store = FileStore::open(options);
  if (!store) return fail(store.error());
  log::info("opened the store", {{"driver", (*store)->name()},
                                 {"folder", options.folder},
                                 {"reflink", (*store)->reflink() ? "yes" : "no"}});
  return std::move(*store);
}

}  // namespace

Result<std::unique_ptr<BackingStore>> make_store(const StoreSettings& settings) {
  return std::visit([](const auto& options) { return open(options); }, settings);
}

}  // namespace vbs::volume_delegate
