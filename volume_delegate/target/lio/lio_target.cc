#include "volume_delegate/target/lio/lio_target.h"

#include <utility>

#include "volume_delegate/target/outcome.h"

namespace vbs::volume_delegate {
namespace {

/// What the kernel takes for "no user" and "no password" (iscsi_target_configfs.c).
const std::string kNone = "NULL";

}  // namespace

LioTarget::LioTarget(ConfigTree& tree, LioBackstores& backstores, std::string iqn,
                     std::string portal)
    : tree_(tree),
      backstores_(backstores),
      iqn_(std::move(iqn)),
      portal_(std::move(portal)),
      target_("iscsi/" + iqn_),
      group_(target_ + "/tpgt_1") {}

/// Folders of a path that may be missing.
Result<std::vector<std::string>> LioTarget::folders(const std::string& path) {
  auto names = tree_.folders(path);
  if (!names && names.error().code == ErrorCode::not_found) return std::vector<std::string>();
  return names;
}

/// Writes only what differs: some attributes disturb live sessions.
Result<void> LioTarget::set(const std::string& path, const std::string& value) {
  const auto held = tree_.read(path);
  if (held && *held == value) return {};
  return tree_.write(path, value);
}

Result<void> LioTarget::make_group(const TargetSpec& spec) {
  for (const auto& folder : {target_, group_}) {
    if (auto ok = present_is_fine(tree_.make_folder(folder)); !ok) return ok;
  }
  const std::pair<const char*, const char*> attributes[] = {
      {"/attrib/generate_node_acls", "0"},
      {"/attrib/authentication", "1"},
      {"/attrib/demo_mode_discovery", "0"},  // who may not log in does not hear of it either
      // What a new mapping begins with.
      {"/attrib/prod_mode_write_protect", spec.read_only ? "1" : "0"}};
  for (const auto& [name, value] : attributes) {
    if (auto ok = set(group_ + name, value); !ok) return ok;
  }
  return {};
}

Result<bool> LioTarget::leads_elsewhere(const TargetSpec& spec) {
  const auto luns = folders(group_ + "/lun");
  if (!luns) return fail(luns.error());
  for (const auto& name : *luns) {
    if (spec.device.empty() || name != kLioUnit) return true;
  }
  if (luns->empty()) return false;
  const std::string lun = group_ + "/lun/" + kLioUnit;
  const auto links = tree_.links(lun);
  if (!links) return fail(links.error());
  for (const auto& link : *links) {
    const auto path = tree_.link_target(lun + "/" + link);
    if (!path) return fail(path.error());
    const auto right = backstores_.is_of(spec, *path);
    if (!right) return fail(right.error());
    if (!*right) return true;
  }
  return false;
}

Result<void> LioTarget::make_unit(const TargetSpec& spec) {
  if (spec.device.empty()) return {};
  const std::string lun = group_ + "/lun/" + kLioUnit;
  if (auto ok = present_is_fine(tree_.make_folder(lun)); !ok) return ok;
  return backstores_.serve(spec, lun);
}

Result<void> LioTarget::make_initiator(const TargetSpec& spec) {
  const std::string acls = group_ + "/acls";
  const auto names = folders(acls);
  if (!names) return fail(names.error());
  for (const auto& name : *names) {
    if (name == spec.initiator) continue;
    if (auto ok = remove_initiator(acls + "/" + name); !ok) return ok;
  }
  const std::string acl = acls + "/" + spec.initiator;
  if (auto ok = present_is_fine(tree_.make_folder(acl)); !ok) return ok;
  return make_mapping(acl, spec);
}

/// Which LUN the initiator sees, under the same number.
Result<void> LioTarget::make_mapping(const std::string& acl, const TargetSpec& spec) {
  const auto names = folders(acl);
  if (!names) return fail(names.error());
  for (const auto& name : *names) {
    const bool wanted = name == kLioUnit && !spec.device.empty();
    if (!name.starts_with("lun_") || wanted) continue;
    if (auto ok = remove_links(acl + "/" + name); !ok) return ok;
    if (auto ok = tree_.remove_folder(acl + "/" + name); !ok) return ok;
  }
  if (spec.device.empty()) return {};
  const std::string mapped = acl + "/" + kLioUnit;
  const auto links = tree_.links(mapped);
  if (!links || links->empty()) {
    // Whoever comes back to a target without its logical unit gives up on it.
    if (auto ok = clear_credentials(acl); !ok) return ok;
    if (auto ok = present_is_fine(tree_.make_folder(mapped)); !ok) return ok;
    auto linked = tree_.link(mapped + "/" + kLioLink, group_ + "/lun/" + kLioUnit);
    if (!linked) return linked;
  }
  return set(mapped + "/write_protect", spec.read_only ? "1" : "0");
}

Result<void> LioTarget::open(const TargetSpec& spec) {
  const std::string auth = group_ + "/acls/" + spec.initiator + "/auth";
  if (auto ok = set(auth + "/userid", spec.chap_user); !ok) return ok;
  if (auto ok = set(auth + "/password", spec.chap_secret.reveal()); !ok) return ok;
  if (auto ok = remove_each(group_ + "/np", portal_); !ok) return ok;
  if (auto ok = present_is_fine(tree_.make_folder(group_ + "/np/" + portal_)); !ok) return ok;
  return set(group_ + "/enable", "1");
}

Result<void> LioTarget::clear_credentials(const std::string& acl) {
  for (const char* name : {"/auth/password", "/auth/userid"}) {
    if (auto ok = tree_.write(acl + name, kNone); !ok) return ok;
  }
  return {};
}

Result<void> LioTarget::fence() {
  const auto names = folders(group_ + "/acls");
  if (!names) return fail(names.error());
  for (const auto& name : *names) {
    if (auto ok = absent_is_fine(clear_credentials(group_ + "/acls/" + name)); !ok) return ok;
  }
  return {};
}

Result<void> LioTarget::end_sessions() {
  const auto enabled = tree_.read(group_ + "/enable");
  if (!enabled) return absent_is_fine(fail(enabled.error()));
  // The kernel refuses to disable twice.
  return *enabled == "0" ? Result<void>() : tree_.write(group_ + "/enable", "0");
}

Result<void> LioTarget::remove_links(const std::string& folder) {
  const auto links = tree_.links(folder);
  if (!links) return fail(links.error());
  for (const auto& link : *links) {
    if (auto ok = absent_is_fine(tree_.unlink(folder + "/" + link)); !ok) return ok;
  }
  return {};
}

Result<void> LioTarget::remove_initiator(const std::string& acl) {
  const auto names = folders(acl);
  if (!names) return fail(names.error());
  for (const auto& name : *names) {
    if (!name.starts_with("lun_")) continue;  // a group of the kernel's own
    if (auto ok = remove_links(acl + "/" + name); !ok) return ok;
    if (auto ok = tree_.remove_folder(acl + "/" + name); !ok) return ok;
  }
  return tree_.remove_folder(acl);
}

/// LUNs or portals.
Result<void> LioTarget::remove_each(const std::string& folder, const std::string& but) {
  const auto names = folders(folder);
  if (!names) return fail(names.error());
  for (const auto& name : *names) {
    if (name == but) continue;
    if (auto ok = absent_is_fine(remove_links(folder + "/" + name)); !ok) return ok;
    if (auto ok = absent_is_fine(tree_.remove_folder(folder + "/" + name)); !ok) return ok;
  }
  return {};
}

Result<void> LioTarget::remove() {
  const auto initiators = folders(group_ + "/acls");
  if (!initiators) return fail(initiators.error());
  for (const auto& name : *initiators) {
    if (auto ok = absent_is_fine(remove_initiator(group_ + "/acls/" + name)); !ok) return ok;
  }
  for (const char* part : {"/lun", "/np"}) {
    if (auto ok = remove_each(group_ + part); !ok) return ok;
  }
  for (const auto& folder : {group_, target_}) {
    if (auto ok = absent_is_fine(tree_.remove_folder(folder)); !ok) return ok;
  }
  return {};
}

}  // namespace vbs::volume_delegate
