#include "volume_delegate/store/store_settings.h"

#include <algorithm>
#include <string>

#include "common/config.h"
#include "common/names.h"
#include "volume_delegate/plain_path.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::uint64_t kUsualRate = 200 * kMiB;

/// Bytes a second.
std::uint64_t read_rate(config::Table& table, std::string_view key) {
  const std::uint64_t rate = table.size_or(key, kUsualRate);
  if (rate < kMiB) table.reject(key, "must be at least \"1M\" (a second)");
  return rate;
}

unsigned read_percent(config::Table& table, std::string_view key, unsigned fallback, unsigned least,
                      unsigned most) {
  return static_cast<unsigned>(table.integer_or(key, fallback, least, most));
}

std::string read_lvm_name(config::Table& table, std::string_view key, const std::string& fallback) {
  std::string name = table.string_or(key, fallback);
  if (auto good = check_lvm_name(name, key); !good) table.reject(key, good.error().message);
  return name;
}

FileStoreOptions read_file_store(config::Table& table, bool chosen) {
  FileStoreOptions options;
  if (chosen)
    options.folder = read_folder(table, "folder");
  else
    static_cast<void>(table.string_or("folder", ""));
  const std::string reflink = table.string_or("reflink", "auto");
  if (reflink != "auto" && reflink != "never")
    table.reject("reflink", "must be \"auto\" or \"never\"");
  options.reflink = reflink == "auto";
  return options;
}

LvmOptions read_lvm(config::Table& table) {
  LvmOptions options;
  options.group = read_lvm_name(table, "volume_group", "vbs");
  options.devices = table.strings("devices");
  const bool plain = std::all_of(options.devices.begin(), options.devices.end(), is_plain_path);
  if (!plain) table.reject("devices", "must be absolute paths of devices");
  options.wipe_bytes_per_second = read_rate(table, "wipe_rate");
  return options;
}

SnapshotRoom read_snapshots(config::Table& table) {
  SnapshotRoom room;
  room.first_percent = read_percent(table, "snapshot_percent", 20, 1, 100);
  room.least_bytes = table.size_or("snapshot_least", kGiB);
  room.promised_percent = read_percent(table, "snapshot_promise_percent", 100, 1, 100);
  room.extend_at_percent = read_percent(table, "snapshot_extend_at", 50, 10, 90);
  return room;
}

FillMarks check_marks(config::Table& table, std::string_view key, const FillMarks& marks) {
  if (marks.warn > marks.throttle || marks.throttle > marks.refuse) {
    table.reject(key, "marks must not fall from warn to throttle to refuse");
  }
  return marks;
}

ThinPoolOptions read_pool(config::Table& table) {
  ThinPoolOptions pool;
  pool.name = read_lvm_name(table, "thin_pool", "vbs-pool");
  pool.size_bytes = table.size_or("thin_pool_size", 0);
  pool.overcommit_percent = read_percent(table, "overcommit_percent", 100, 1, 10'000);
  pool.data = check_marks(table, "data_refuse",
                          {read_percent(table, "data_warn", 70, 1, 100),
                           read_percent(table, "data_throttle", 85, 1, 100),
                           read_percent(table, "data_refuse", 95, 1, 100)});
  pool.metadata = check_marks(table, "metadata_refuse",
                              {read_percent(table, "metadata_warn", 60, 1, 90),
                               read_percent(table, "metadata_throttle", 70, 1, 90),
                               read_percent(table, "metadata_refuse", 80, 1, 90)});
  pool.throttled_pause = Milliseconds(table.duration_or("throttled_pause", 10'000));
  return pool;
}

}  // namespace

StoreSettings read_store_settings(config::Table table) {
  const std::string driver = table.string_or("driver", "file");
  const auto reserve = read_percent(table, "reserve_percent", 5, 0, 90);
  const std::uint64_t copy_rate = read_rate(table, "copy_rate");
  FileStoreOptions file = read_file_store(table, driver == "file");
  file.reserve_percent = reserve;
  file.copy_bytes_per_second = copy_rate;
  LvmOptions lvm = read_lvm(table);
  lvm.reserve_percent = reserve;
  lvm.copy_bytes_per_second = copy_rate;
  const SnapshotRoom snapshots = read_snapshots(table);
  const ThinPoolOptions pool = read_pool(table);
  if (driver == "lvm") return LvmThickOptions{lvm, snapshots};
  if (driver == "lvm-thin") return LvmThinOptions{lvm, pool};
  if (driver != "file") table.reject("driver", "must be \"file\", \"lvm\" or \"lvm-thin\"");
  return file;
}

}  // namespace vbs::volume_delegate
