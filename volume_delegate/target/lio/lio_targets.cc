#include "volume_delegate/target/lio/lio_targets.h"

#include <utility>

#include "common/fault_point.h"
#include "volume_delegate/target/outcome.h"

namespace vbs::volume_delegate {
namespace {

/// LIO takes these words for "none" where it wants a user or a password.
Result<void> check_word(const std::string& word, const char* field) {
  if (!word.starts_with("NULL")) return {};
  return fail_field(field, "must not begin with NULL");
}

}  // namespace

LioTargets::LioTargets(const LioOptions& options, std::shared_ptr<ConfigTree> tree)
    : portal_(options.portal.str()),
      tree_(std::move(tree)),
      kernel_(*tree_, options.configfs, options.modules, options.portal),
      backstores_(*tree_) {}

LioTarget LioTargets::target(const std::string& iqn) {
  return LioTarget(*tree_, backstores_, iqn, portal_);
}

Result<std::vector<std::string>> LioTargets::iqns() {
  const auto set_up = kernel_.is_set_up();
  if (!set_up) return fail(set_up.error());
  if (!*set_up) {
    return fail(ErrorCode::node_unavailable, "the kernel's iSCSI target is not set up");
  }
  auto names = tree_->folders("iscsi");
  if (names) std::erase(*names, "discovery_auth");  // a group of the kernel's own
  return names;
}

Result<void> LioTargets::apply(const TargetSpec& spec) {
  if (auto ok = check_word(spec.chap_user, "chap_user"); !ok) return ok;
  if (auto ok = check_word(spec.chap_secret.reveal(), "chap_secret"); !ok) return ok;
  LioTarget wanted = target(spec.iqn);
  const auto elsewhere = wanted.leads_elsewhere(spec);
  if (!elsewhere) return fail(elsewhere.error());
  // Somebody put another device under this export's name; nobody may read it as the volume.
  if (auto ok = *elsewhere ? remove(spec.iqn) : Result<void>(); !ok) return ok;
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

Result<void> LioTargets::fence(const std::string& iqn) {
  if (auto ok = target(iqn).fence(); !ok) return ok;
  return check_in_sight();
}

/// What is not found in a tree that is not there may be served all the same. To be asked last: the
/// tree may go at any moment.
Result<void> LioTargets::check_in_sight() {
  const auto set_up = kernel_.is_set_up();
  return set_up ? Result<void>() : fail(set_up.error());
}

Result<void> LioTargets::tear_down(LioTarget& doomed) {
  if (auto ok = doomed.fence(); !ok) return ok;
  fault_point("volumed.remove_target.after_fence");
  if (auto ok = doomed.end_sessions(); !ok) return ok;
  fault_point("volumed.remove_target.after_end");
  return doomed.remove();
}

Result<void> LioTargets::remove(const std::string& iqn) {
  LioTarget doomed = target(iqn);
  if (auto ok = until_gone("LIO", iqn, [&] { return tear_down(doomed); }); !ok) return ok;
  if (auto ok = backstores_.remove_unused(); !ok) return ok;
  return check_in_sight();
}

}  // namespace vbs::volume_delegate
