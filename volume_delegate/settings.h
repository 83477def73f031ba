#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"
#include "common/http/delegate_link.h"
#include "common/log.h"
#include "volume_delegate/store/store_settings.h"
#include "volume_delegate/target/target_settings.h"

namespace vbs::volume_delegate {

/// Everything vbs-volumed reads from its configuration file; deploy/config/vbs-volumed.toml shows
/// and explains the keys.
struct Settings {
  std::string name;  ///< of this node
  http::DelegateLink link;
  std::string token_file;
  std::string state_dir;
  log::Options log;
  unsigned copy_threads = 2;
  StoreSettings store;
  TargetSettings target;
};

Result<Settings> load_settings(const std::string& path);
/// The same from text, for tests; `name` appears in messages.
Result<Settings> parse_settings(std::string_view text, const std::string& name);

}  // namespace vbs::volume_delegate
