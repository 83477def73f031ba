#include "volume_delegate/target/lio/lio_driver.h"

#include <utility>

#include "volume_delegate/target/lio/configfs.h"

namespace vbs::volume_delegate {
namespace {

/// What is no target's, such as which targets there are.
const std::string kWhole = "(all targets)";
const std::string kModules = "(its modules)";
/// Loading modules takes a while on a machine that has just started.
constexpr Milliseconds kLoadLimit{30'000};

}  // namespace

LioDriver::LioDriver(const LioOptions& options)
    : LioDriver(options, std::make_shared<Configfs>(options.configfs + "/target")) {}

LioDriver::LioDriver(const LioOptions& options, std::shared_ptr<ConfigTree> tree)
    : portal_(options.portal.str()),
      limit_(options.limit),
      targets_(std::make_shared<LioTargets>(options, std::move(tree))) {}

Result<DaemonState> LioDriver::ensure_running() {
  return calls_.run<DaemonState>(kModules, kLoadLimit,
                                 [targets = targets_] { return targets->ensure_running(); });
}

Result<std::vector<TargetView>> LioDriver::list() {
  const auto iqns = calls_.run<std::vector<std::string>>(
      kWhole, limit_, [targets = targets_] { return targets->iqns(); });
  if (!iqns) return fail(iqns.error());
  std::vector<TargetView> views;
  for (const auto& iqn : *iqns) {
    auto view = calls_.run<TargetView>(iqn, limit_,
                                       [targets = targets_, iqn] { return targets->view(iqn); });
    if (view) {
      views.push_back(std::move(*view));
      continue;
    }
    const ErrorCode code = view.error().code;
    if (code != ErrorCode::timeout && code != ErrorCode::overloaded) return fail(view.error());
    TargetView hidden;  // one target that hangs hides no other
    hidden.iqn = iqn;
    hidden.known = false;
    views.push_back(std::move(hidden));
  }
  return views;
}

Result<void> LioDriver::apply(const TargetSpec& spec) {
  return calls_.run<void>(spec.iqn, limit_,
                          [targets = targets_, spec] { return targets->apply(spec); });
}

Result<void> LioDriver::refresh_size(const TargetSpec& spec) {
  return calls_.run<void>(spec.iqn, limit_,
                          [targets = targets_, spec] { return targets->refresh_size(spec); });
}

Result<void> LioDriver::fence(const std::string& iqn) {
  return calls_.run<void>(iqn, limit_, [targets = targets_, iqn] { return targets->fence(iqn); });
}

Result<void> LioDriver::remove(const std::string& iqn, const std::string&) {
  return calls_.run<void>(iqn, limit_, [targets = targets_, iqn] { return targets->remove(iqn); });
}

}  // namespace vbs::volume_delegate
