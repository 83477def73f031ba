#include "volume_delegate/target/lio/lio_driver.h"

#include <chrono>
#include <thread>
#include <utility>

#include "common/clock.h"
#include "common/fault_point.h"
#include "volume_delegate/target/lio/configfs.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::chrono::seconds kRemoveLimit{5};
constexpr Milliseconds kRemovePoll{20};

/// LIO takes these words for "none" where it wants a user or a password.
Result<void> check_word(const std::string& word, const char* field) {
  if (!word.starts_with("NULL")) return {};
  return fail_field(field, "must not begin with NULL");
}

}  // namespace

LioDriver::LioDriver(const LioOptions& options)
    : LioDriver(options, std::make_shared<Configfs>(options.configfs + "/target")) {}

LioDriver::LioDriver(const LioOptions& options, std::shared_ptr<ConfigTree> tree)
    : portal_(options.portal.str()),
      tree_(std::move(tree)),
      kernel_(*tree_, options.configfs, options.modules, options.portal),
      backstores_(*tree_) {}

LioTarget LioDriver::target(const std::string& iqn) {
  return LioTarget(*tree_, backstores_, iqn, portal_);
}

Result<std::vector<TargetView>> LioDriver::list() {
  const auto set_up = kernel_.is_set_up();
  if (!set_up) return fail(set_up.error());
  if (!*set_up) {
    return fail(ErrorCode::node_unavailable, "the kernel's iSCSI target is not set up");
  }
  const auto names = tree_->folders("iscsi");
  if (!names) return fail(names.error());
  std::vector<TargetView> views;
  for (const auto& name : *names) {
    if (name == "discovery_auth") continue;  // a group of the kernel's own
    auto view = target(name).view();
    if (!view) return fail(view.error());
    views.push_back(std::move(*view));
  }
  return views;
}

Result<void> LioDriver::apply(const TargetSpec& spec) {
  if (auto ok = check_word(spec.chap_user, "chap_user"); !ok) return ok;
  if (auto ok = check_word(spec.chap_secret.reveal(), "chap_secret"); !ok) return ok;
  LioTarget wanted = target(spec.iqn);
  auto made = make(wanted, spec);
  if (made || made.error().code != ErrorCode::conflict) return made;
  // Somebody put another device under this export's name; nobody may read it as the volume.
  if (auto ok = remove(spec.iqn, {}); !ok) return ok;
  return make(wanted, spec);
}

Result<void> LioDriver::make(LioTarget& wanted, const TargetSpec& spec) {
  if (auto ok = wanted.make_group(spec); !ok) return ok;
  fault_point("volumed.put_export.after_target");
  if (auto ok = wanted.make_unit(spec); !ok) return ok;
  fault_point("volumed.put_export.after_unit");
  if (auto ok = wanted.make_initiator(spec); !ok) return ok;
  fault_point("volumed.put_export.after_account");
  if (auto ok = wanted.open(spec); !ok) return ok;
  fault_point("volumed.put_export.after_rule");
  return {};
}

Result<void> LioDriver::fence(const std::string& iqn) {
  if (auto ok = target(iqn).fence(); !ok) return ok;
  return check_in_sight();
}

/// What is not found in a tree that is not there may be served all the same. To be asked last: the
/// tree may go at any moment.
Result<void> LioDriver::check_in_sight() {
  const auto set_up = kernel_.is_set_up();
  return set_up ? Result<void>() : fail(set_up.error());
}

Result<void> LioDriver::tear_down(LioTarget& doomed) {
  if (auto ok = doomed.fence(); !ok) return ok;
  fault_point("volumed.remove_target.after_fence");
  if (auto ok = doomed.end_sessions(); !ok) return ok;
  fault_point("volumed.remove_target.after_end");
  return doomed.remove();
}

Result<void> LioDriver::remove(const std::string& iqn, const std::string&) {
  LioTarget doomed = target(iqn);
  const auto deadline = std::chrono::steady_clock::now() + kRemoveLimit;
  for (;;) {
    auto gone = tear_down(doomed);
    if (gone) break;
    // Something still drains: worth another look in a moment.
    if (gone.error().code != ErrorCode::conflict) return gone;
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorCode::timeout, "LIO still holds parts of target " + iqn +
                                          "; nobody can log in any more: " + gone.error().message);
    }
    std::this_thread::sleep_for(kRemovePoll);
  }
  if (auto ok = backstores_.remove_unused(); !ok) return ok;
  return check_in_sight();
}

}  // namespace vbs::volume_delegate
