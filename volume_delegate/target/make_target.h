#pragma once

#include <memory>

#include "common/error.h"
#include "volume_delegate/target/target_driver.h"
#include "volume_delegate/target/target_settings.h"

namespace vbs::volume_delegate {

/// The driver that the settings name. Programs and paths that it needs are looked up; nothing is
/// started yet.
Result<std::unique_ptr<TargetDriver>> make_target(const TargetSettings& settings);

}  // namespace vbs::volume_delegate
