#include "volume_delegate/target/make_target.h"

#include "volume_delegate/target/iet/iet_driver.h"
#include "volume_delegate/target/lio/lio_driver.h"
#include "volume_delegate/target/tgt/tgt_driver.h"

namespace vbs::volume_delegate {

Result<std::unique_ptr<TargetDriver>> make_target(const TargetSettings& settings) {
  if (settings.driver == "lio") return std::make_unique<LioDriver>(settings.lio);
  if (settings.driver == "iet") return IetDriver::create(settings.iet);
  return TgtDriver::create(settings.tgt);
}

}  // namespace vbs::volume_delegate
