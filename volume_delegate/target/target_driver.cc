#include "volume_delegate/target/target_driver.h"

#include <algorithm>

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

std::optional<TargetView> with_iqn(const std::vector<TargetView>& views, const std::string& iqn) {
  const auto found = std::find_if(views.begin(), views.end(),
                                  [&](const TargetView& view) { return view.iqn == iqn; });
  if (found == views.end()) return std::nullopt;
  return *found;
}

Result<void> check_known(const std::optional<TargetView>& view) {
  if (!view || view->known) return {};
  return fail(ErrorCode::timeout, "what is served as target " + view->iqn +
                                      " was not told in time; does its device answer?");
}

}  // namespace vbs::volume_delegate
