#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "common/error.h"
#include "volume_delegate/target/lio/config_tree.h"
#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate {

/// What LIO calls backstores: one for each exported volume, shared by its exports. iblock for block
/// devices, whose writes go to the device before they are acknowledged; fileio with a volatile
/// write cache, which initiators flush, for files. All are in two folders of their own; those that
/// somebody else made, with targetcli for instance, are never touched. Thread-safe.
class LioBackstores {
 public:
  explicit LioBackstores(ConfigTree& tree) : tree_(tree) {}

  struct View {
    std::string device;
    std::string serial;
    std::uint64_t size_bytes = 0;
    bool ours = false;
  };
  /// Of the backstore at `path`; members are empty while it is half-made.
  Result<View> look(const std::string& path);
  /// Whether the backstore at `path` is the one of the export's volume.
  Result<bool> is_of(const TargetSpec& spec, const std::string& path);

  /// Sees that the volume has its backstore and that `lun` (a LUN's folder, which is there) leads
  /// to it. Both in one, so that no removal comes between. conflict: the LUN leads somewhere else,
  /// another program has the device open, or the volume is to be written and another LUN has it.
  /// overloaded: another call, whose device may hang, is in the way.
  Result<void> serve(const TargetSpec& spec, const std::string& lun);
  /// Removes every backstore of our folders that no LUN leads to: the one of a LUN that has just
  /// been removed, and those of attempts that were cut short.
  Result<void> remove_unused();
  /// Tells fileio that its file has grown; iblock asks the device by itself.
  Result<void> refresh_size(const TargetSpec& spec);

 private:
  Result<std::string> ensure(const TargetSpec& spec);
  Result<void> check_is_free(const std::string& path);
  Result<std::vector<std::string>> folders_below(const std::vector<std::string>& parents);
  Result<void> make(const TargetSpec& spec, const std::string& path, const std::string& control);
  Result<std::unique_lock<std::timed_mutex>> lock();

  ConfigTree& tree_;
  std::timed_mutex mutex_;
};

}  // namespace vbs::volume_delegate
