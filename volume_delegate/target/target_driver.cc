#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate {

bool serves(const TargetView& view, const TargetSpec& spec) {
  const auto only = [](const std::vector<std::string>& held, const std::string& wanted) {
    return held.size() == 1 && held.front() == wanted;
  };
  return view.iqn == spec.iqn && view.device == spec.device && view.serial == spec.serial &&
         view.read_only == spec.read_only && only(view.accounts, spec.chap_user) &&
         only(view.allowed, spec.initiator);
}

Result<void> TargetDriver::refresh_size(const TargetSpec& spec) {
  return fail(ErrorCode::internal, name() + " cannot show a new size of target " + spec.iqn);
}

}  // namespace vbs::volume_delegate
