#pragma once

#include <string>

#include "common/config.h"
#include "volume_delegate/target/iet/iet_options.h"
#include "volume_delegate/target/lio/lio_options.h"
#include "volume_delegate/target/tgt/tgt_options.h"

namespace vbs::volume_delegate {

/// The table [target] of the configuration. Every key may stand there whichever driver is chosen.
struct TargetSettings {
  std::string driver = "tgt";  ///< name of a TargetDriver
  std::string iqn_prefix;      ///< see export_iqn
  TgtOptions tgt;
  LioOptions lio;
  IetOptions iet;
};

/// Reports what is wrong into the table. `state_dir` is where drivers may keep folders of their
/// own.
TargetSettings read_target_settings(config::Table table, const std::string& state_dir);

}  // namespace vbs::volume_delegate
