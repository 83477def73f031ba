#include "volume_delegate/store/make_store.h"

#include <utility>

#include "common/log.h"
#include "common/process.h"

namespace vbs::volume_delegate {
namespace {

Result<std::unique_ptr<BackingStore>> open(const FileStoreOptions& options, Clock&) {
  auto store = FileStore::open(options);
  if (!store) return fail(store.error());
  log::info("opened the store", {{"driver", (*store)->name()},
                                 {"folder", options.folder},
                                 {"reflink", (*store)->reflink() ? "yes" : "no"}});
  return std::move(*store);
}

template <class Store, class Options>
Result<std::unique_ptr<BackingStore>> open_lvm(const Options& options, Clock& clock) {
  auto program = process::find_program("lvm", "lvm2");
  if (!program) return fail(program.error());
  auto group = std::make_unique<VolumeGroup>(LvmCommands(options.lvm.group, options.lvm.devices),
                                             *program, process::run, clock);
  auto store = Store::open(options, std::move(group), clock);
  if (!store) return fail(store.error());
  log::info("opened the store",
            {{"driver", (*store)->name()}, {"volume_group", options.lvm.group}});
  return std::move(*store);
}

Result<std::unique_ptr<BackingStore>> open(const LvmThickOptions& options, Clock& clock) {
  return open_lvm<LvmStore>(options, clock);
}
Result<std::unique_ptr<BackingStore>> open(const LvmThinOptions& options, Clock& clock) {
  return open_lvm<LvmThinStore>(options, clock);
}

}  // namespace

Result<std::unique_ptr<BackingStore>> make_store(const StoreSettings& settings, Clock& clock) {
  return std::visit([&](const auto& options) { return open(options, clock); }, settings);
}

}  // namespace vbs::volume_delegate
