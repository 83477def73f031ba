#include "volume_delegate/target/make_target.h"

#include "volume_delegate/target/tgt_driver.h"

namespace vbs::volume_delegate {

Result<std::unique_ptr<TargetDriver>> make_target(const TargetSettings& settings) {
  return TgtDriver::create(settings.tgt);
}

}  // namespace vbs::volume_delegate
