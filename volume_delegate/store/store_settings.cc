#include "volume_delegate/store/store_settings.h"

#include "common/config.h"
#include "volume_delegate/plain_path.h"

namespace vbs::volume_delegate {
namespace {

FileStoreOptions read_file_store(config::Table& table) {
  FileStoreOptions options;
  options.folder = read_folder(table, "folder");
  options.reserve_percent = static_cast<unsigned>(table.integer_or("reserve_percent", 5, 0, 90));
  const std::string reflink = table.string_or("reflink", "auto");
  if (reflink != "auto" && reflink != "never")
    table.reject("reflink", "must be \"auto\" or \"never\"");
  options.reflink = reflink == "auto";
  options.copy_bytes_per_second = table.size_or("copy_rate", options.copy_bytes_per_second);
  if (options.copy_bytes_per_second < kMiB)
    table.reject("copy_rate", "must be at least \"1M\" (a second)");
  return options;
}

}  // namespace

StoreSettings read_store_settings(config::Table table) {
  if (table.string_or("driver", "file") != "file") table.reject("driver", "must be \"file\"");
  return read_file_store(table);
}

}  // namespace vbs::volume_delegate
