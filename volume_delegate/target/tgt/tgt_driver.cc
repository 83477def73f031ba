#include "volume_delegate/target/tgt/tgt_driver.h"

#include <algorithm>
#include <utility>

#include "common/fault_point.h"
#include "volume_delegate/target/outcome.h"
#include "volume_delegate/target/view_parts.h"

namespace vbs::volume_delegate {
namespace {

const TgtTarget* with_iqn(const std::vector<TgtTarget>& all, const std::string& iqn) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const TgtTarget& target) { return target.iqn == iqn; });
  return found == all.end() ? nullptr : &*found;
}

bool has(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// Something still drains: worth another look in a moment.
Result<void> busy_is_fine(Result<void> result) {
  if (!result && result.error().code == ErrorCode::conflict) return {};
  return absent_is_fine(std::move(result));
}

TargetView view_of(const TgtTarget& target) {
  TargetView view;
  view.iqn = target.iqn;
  view.number = target.tid;
  view.accounts = target.accounts;
  view.allowed = target.acl;
  const TgtLun* unit = export_unit(target.luns);
  if (unit != nullptr && unit->online && unit->type == "disk" && unit->backing_type == "rdwr" &&
      unit->thin) {
    view.device = unit->path;
    view.serial = unit->serial;
    view.read_only = unit->read_only;
  }
  for (const auto& session : target.sessions) view.sessions.push_back(session_view(session));
  return view;
}

}  // namespace

TgtDriver::TgtDriver(std::unique_ptr<TgtDaemon> daemon, std::string portal)
    : daemon_(std::move(daemon)), tgt_(daemon_->control()), portal_(std::move(portal)) {}

Result<std::unique_ptr<TgtDriver>> TgtDriver::create(const TgtOptions& options) {
  auto daemon = TgtDaemon::create(options);
  if (!daemon) return fail(daemon.error());
  return std::unique_ptr<TgtDriver>(new TgtDriver(std::move(*daemon), options.portal.str()));
}

Result<std::vector<TgtTarget>> TgtDriver::targets() {
  auto report = tgt_.show_targets();
  if (!report) return fail(report.error());
  return parse_tgt_targets(*report);
}

Result<std::vector<TargetView>> TgtDriver::list() {
  auto all = targets();
  if (!all) return fail(all.error());
  std::vector<TargetView> views;
  views.reserve(all->size());
  for (const auto& target : *all) views.push_back(view_of(target));
  return views;
}

Result<void> TgtDriver::apply(const TargetSpec& spec) {
  auto target = make_or_find(spec);
  if (!target) return fail(target.error());
  fault_point("volumed.put_export.after_target");
  if (auto ok = make_unit(*target, spec); !ok) return ok;
  fault_point("volumed.put_export.after_unit");
  if (auto ok = make_account(*target, spec); !ok) return ok;
  fault_point("volumed.put_export.after_account");
  // Last of all: an initiator that reconnects to a target without its logical unit gives up.
  if (auto ok = make_rule(*target, spec); !ok) return ok;
  fault_point("volumed.put_export.after_rule");
  return {};
}

Result<TgtTarget> TgtDriver::make_or_find(const TargetSpec& spec) {
  TgtTarget made;
  made.tid = spec.number;
  made.iqn = spec.iqn;
  const auto is_new = tgt_.new_target(spec.number, spec.iqn);
  if (is_new) return made;
  if (is_new.error().code != ErrorCode::already_exists) return fail(is_new.error());
  auto all = targets();
  if (!all) return fail(all.error());
  const TgtTarget* found = with_iqn(*all, spec.iqn);
  if (found == nullptr) return fail(is_new.error());  // another target has the number
  const TgtLun* unit = export_unit(found->luns);
  const bool usable =
      unit == nullptr || (unit->path == spec.device && unit->backing_type == "rdwr");
  if (usable) return *found;
  // Somebody put another device under this export's name; nobody may read it as the volume.
  if (auto ok = remove_target(spec.iqn); !ok) return fail(ok.error());
  if (auto ok = tgt_.new_target(spec.number, spec.iqn); !ok) return fail(ok.error());
  return made;
}

Result<void> TgtDriver::make_unit(const TgtTarget& target, const TargetSpec& spec) {
  if (spec.device.empty()) return {};  // make_or_find left none either
  const TgtLun* unit = export_unit(target.luns);
  const TargetView view = view_of(target);
  if (unit != nullptr && view.serial == spec.serial && view.read_only == spec.read_only) return {};
  if (auto ok = remove_rules(target, ""); !ok) return ok;
  // No parameter brings such a unit back: its file could not be opened, or it is of another kind.
  const bool broken = unit != nullptr && (!unit->online || unit->type != "disk");
  if (broken) {
    if (auto ok = absent_is_fine(tgt_.delete_lun(target.tid, kExportLun)); !ok) return ok;
  }
  if (unit == nullptr || broken) {
    if (auto ok = tgt_.new_lun(target.tid, kExportLun, spec.device); !ok) return ok;
  }
  return tgt_.update_lun(
      target.tid, kExportLun,
      "thin_provisioning=1,vendor_id=VBS,product_id=VOLUME,scsi_id=" + spec.serial +
          ",scsi_sn=" + spec.serial + ",readonly=" + (spec.read_only ? "1" : "0"));
}

Result<void> TgtDriver::make_account(const TgtTarget& target, const TargetSpec& spec) {
  for (const auto& user : target.accounts) {
    if (user == spec.chap_user) continue;
    if (auto ok = absent_is_fine(tgt_.unbind_account(target.tid, user)); !ok) return ok;
  }
  if (has(target.accounts, spec.chap_user)) return {};
  auto made = tgt_.new_account(spec.chap_user, spec.chap_secret);
  if (!made && made.error().code == ErrorCode::already_exists) made = make_account_anew(spec);
  if (!made) return made;
  return tgt_.bind_account(target.tid, spec.chap_user);
}

/// An account that exists and serves no target is left from an attempt that was cut short; its
/// secret cannot be read.
Result<void> TgtDriver::make_account_anew(const TargetSpec& spec) {
  auto all = targets();
  if (!all) return fail(all.error());
  for (const auto& target : *all) {
    if (!has(target.accounts, spec.chap_user)) continue;
    return fail(ErrorCode::conflict, "the CHAP user " + spec.chap_user + " already serves target " +
                                         target.iqn + "; every export needs its own");
  }
  if (auto ok = absent_is_fine(tgt_.delete_account(spec.chap_user)); !ok) return ok;
  return tgt_.new_account(spec.chap_user, spec.chap_secret);
}

Result<void> TgtDriver::make_rule(const TgtTarget& target, const TargetSpec& spec) {
  if (auto ok = remove_rules(target, spec.initiator); !ok) return ok;
  auto allowed = tgt_.allow_initiator(target.tid, spec.initiator);
  if (!allowed && allowed.error().code == ErrorCode::already_exists) return {};
  return allowed;
}

Result<void> TgtDriver::remove_rules(const TgtTarget& target, const std::string& but) {
  for (const auto& rule : target.acl) {
    if (rule == but) continue;
    if (auto ok = absent_is_fine(tgt_.remove_rule(target.tid, rule)); !ok) return ok;
  }
  return {};
}

Result<void> TgtDriver::fence(const std::string& iqn) {
  auto all = targets();
  if (!all) {
    if (daemon_->surely_stopped()) return {};
    return fail(all.error());
  }
  const TgtTarget* target = with_iqn(*all, iqn);
  return target == nullptr ? Result<void>() : remove_rules(*target, "");
}

Result<void> TgtDriver::tear_down(const TgtTarget& target) {
  if (auto ok = remove_rules(target, ""); !ok) return ok;
  fault_point("volumed.remove_target.after_fence");
  for (const auto& session : target.sessions) {
    for (const auto& connection : session.connections) {
      auto closed = busy_is_fine(tgt_.close_connection(target.tid, session.sid, connection.cid));
      if (!closed) return closed;
    }
  }
  fault_point("volumed.remove_target.after_end");
  if (auto ok = busy_is_fine(tgt_.delete_lun(target.tid, kExportLun)); !ok) return ok;
  return busy_is_fine(tgt_.delete_target(target.tid, true));
}

Result<void> TgtDriver::remove_target(const std::string& iqn) {
  return until_gone("tgtd", iqn, [&]() -> Result<void> {
    auto all = targets();
    if (!all) return fail(all.error());
    const TgtTarget* target = with_iqn(*all, iqn);
    if (target == nullptr) return {};
    if (auto ok = tear_down(*target); !ok) return ok;
    return fail(ErrorCode::conflict,
                "it had " + std::to_string(target->sessions.size()) + " sessions");
  });
}

Result<void> TgtDriver::remove_account(const std::string& user) {
  auto all = targets();
  if (!all) return fail(all.error());
  const bool elsewhere = std::any_of(all->begin(), all->end(), [&](const TgtTarget& target) {
    return has(target.accounts, user);
  });
  return elsewhere ? Result<void>() : absent_is_fine(tgt_.delete_account(user));
}

Result<void> TgtDriver::remove(const std::string& iqn, const std::string& chap_user) {
  auto removed = remove_target(iqn);
  if (removed && !chap_user.empty()) removed = remove_account(chap_user);
  if (!removed && removed.error().code == ErrorCode::node_unavailable &&
      daemon_->surely_stopped()) {
    return {};
  }
  return removed;
}

}  // namespace vbs::volume_delegate
