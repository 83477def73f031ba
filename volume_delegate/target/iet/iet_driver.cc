#include "volume_delegate/target/iet/iet_driver.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/fault_point.h"
#include "common/process.h"
#include "volume_delegate/target/iet/iet_commands.h"
#include "volume_delegate/target/outcome.h"
#include "volume_delegate/target/view_parts.h"

namespace vbs::volume_delegate {
namespace {

constexpr unsigned kOldest = 416;  // 0.4.16

Result<std::string> unit_params(const TargetSpec& spec) {
  struct stat status {};
  if (::stat(spec.device.c_str(), &status) != 0) {
    return fail(ErrorCode::internal, "cannot serve " + spec.device + ": " + errno_text(errno));
  }
  return ietadm::unit_params(spec, S_ISBLK(status.st_mode) && !spec.read_only);
}

/// A target without a unit can become any, one with another has to go.
bool is_usable(const IetTarget& target, const TargetSpec& spec) {
  if (target.units.empty()) return true;
  const IetUnit* unit = export_unit(target.units);
  return unit != nullptr && target.units.size() == 1 && unit->running &&
         unit->path == spec.device && (unit->io_mode == "ro") == spec.read_only &&
         unit->io_mode != "wb";
}

}  // namespace

IetDriver::IetDriver(IetOptions options, IetControl control, unsigned version)
    : options_(std::move(options)), iet_(std::move(control)), access_(options_.config, version) {}

Result<std::unique_ptr<IetDriver>> IetDriver::create(const IetOptions& options) {
  Result<std::string> program = options.program;
  if (options.program.empty()) program = process::find_program("ietadm", "iscsitarget");
  if (!program) return fail(program.error());
  IetControl control(*program, options.proc);
  const auto version = control.version();
  if (!version) return fail(version.error());
  if (*version < kOldest) {
    return fail(ErrorCode::invalid_field, *program + " is older than 0.4.16");
  }
  return std::unique_ptr<IetDriver>(new IetDriver(options, std::move(control), *version));
}

Result<DaemonState> IetDriver::ensure_running() {
  const auto daemon = look_at_daemon();
  if (!daemon) return daemon;
  if (auto ok = iet_.targets(); !ok) return fail(ok.error());
  if (auto ok = access_.check(); !ok) return fail(ok.error());
  const auto listens = portal_is_listening(options_.portal);
  if (!listens) return fail(listens.error());
  if (*listens) return daemon;
  return fail(ErrorCode::node_unavailable,
              "nobody listens on portal " + options_.portal.str() +
                  "; start ietd with --address and --port accordingly, or configure its portal");
}

Result<DaemonState> IetDriver::look_at_daemon() {
  const auto daemon = iet_.daemon();
  if (!daemon) return fail(daemon.error());
  std::lock_guard guard(mutex_);
  const bool is_new = !daemon_.empty() && daemon_ != *daemon;
  if (is_new) made_.clear();
  daemon_ = *daemon;
  return is_new ? DaemonState::started : DaemonState::found;
}

IetDriver::Made IetDriver::made(const std::string& iqn) {
  std::lock_guard guard(mutex_);
  const auto found = made_.find(iqn);
  return found == made_.end() ? Made() : found->second;
}

void IetDriver::remember(const std::string& iqn, const Made& made) {
  std::lock_guard guard(mutex_);
  made_[iqn] = made;
}

TargetView IetDriver::view_of(const IetTarget& target, const std::vector<IetSession>& sessions,
                              const std::map<std::string, std::string>& rules) {
  TargetView view;
  view.iqn = target.iqn;
  view.number = target.tid;
  const Made known = made(target.iqn);
  if (!known.user.empty()) view.accounts.push_back(known.user);
  const auto rule = rules.find(target.iqn);
  if (rule == rules.end())
    view.allowed.emplace_back("(whoever other rules let in)");
  else if (!rule->second.empty())
    view.allowed.push_back(rule->second);
  const IetUnit* unit = export_unit(target.units);
  const bool alone = target.units.size() == 1;
  if (unit != nullptr && alone && unit->running && unit->io_mode != "wb") {
    view.device = unit->path;
    view.serial = known.serial;
    view.read_only = unit->io_mode == "ro";
    view.size_bytes = unit->size_bytes;
  } else if (!target.units.empty()) {
    view.device = "(not as made here)";
  }
  for (const auto& session : sessions) {
    if (session.tid == target.tid) view.sessions.push_back(session_view(session));
  }
  return view;
}

Result<std::vector<TargetView>> IetDriver::list() {
  if (auto ok = look_at_daemon(); !ok) return fail(ok.error());
  const auto targets = iet_.targets();
  if (!targets) return fail(targets.error());
  const auto sessions = iet_.sessions();
  if (!sessions) return fail(sessions.error());
  const auto rules = access_.rules();
  if (!rules) return fail(rules.error());
  std::vector<TargetView> views;
  for (const auto& target : *targets) views.push_back(view_of(target, *sessions, *rules));
  return views;
}

Result<std::optional<IetTarget>> IetDriver::find(const std::string& iqn) {
  auto all = iet_.targets();
  if (!all) return fail(all.error());
  for (auto& target : *all) {
    if (target.iqn == iqn) return std::optional(std::move(target));
  }
  return std::optional<IetTarget>();
}

Result<void> IetDriver::apply(const TargetSpec& spec) {
  if (auto ok = look_at_daemon(); !ok) return fail(ok.error());
  if (auto ok = access_.check(); !ok) return ok;
  auto target = make_target(spec);
  if (!target) return fail(target.error());
  fault_point("volumed.put_export.after_target");
  if (auto ok = make_unit(*target, spec); !ok) return ok;
  fault_point("volumed.put_export.after_unit");
  if (auto ok = make_account(*target, spec); !ok) return ok;
  fault_point("volumed.put_export.after_account");
  if (auto ok = access_.open(spec.iqn, spec.initiator); !ok) return ok;
  fault_point("volumed.put_export.after_rule");
  return {};
}

/// Closed before it is there: a target without accounts lets in whoever the rules do not keep out.
Result<IetTarget> IetDriver::make_target(const TargetSpec& spec) {
  auto held = find(spec.iqn);
  if (!held) return fail(held.error());
  if (*held) {
    if (is_usable(**held, spec)) return **held;
    // Another device, or another way to serve it: nobody may read it as the volume.
    if (auto ok = remove_target(spec.iqn); !ok) return fail(ok.error());
  }
  if (auto ok = access_.close(spec.iqn); !ok) return fail(ok.error());
  remember(spec.iqn, {});
  if (auto made = iet_.new_target(spec.number, spec.iqn); !made) {
    const auto all = iet_.targets();
    const bool taken = all && std::any_of(all->begin(), all->end(), [&](const IetTarget& other) {
                         return other.tid == spec.number && other.iqn != spec.iqn;
                       });
    if (!taken) return fail(made.error());
    return fail(ErrorCode::already_exists,
                "another target of IET has number " + std::to_string(spec.number));
  }
  IetTarget target;
  target.tid = spec.number;
  target.iqn = spec.iqn;
  return target;
}

Result<void> IetDriver::make_unit(const IetTarget& target, const TargetSpec& spec) {
  Made known = made(spec.iqn);
  known.serial = spec.serial;
  if (spec.device.empty() || !target.units.empty()) {
    remember(spec.iqn, known);
    return {};
  }
  // Whoever comes back to a target without its logical unit gives up on it.
  if (auto ok = access_.close(spec.iqn); !ok) return ok;
  const auto params = unit_params(spec);
  if (!params) return fail(params.error());
  if (auto ok = iet_.new_unit(target.tid, kExportLun, *params); !ok) return ok;
  remember(spec.iqn, known);
  return {};
}

Result<void> IetDriver::make_account(const IetTarget& target, const TargetSpec& spec) {
  Made known = made(spec.iqn);
  if (known.user == spec.chap_user && known.secret == spec.chap_secret) return {};
  // Between the two steps, or where the old one was the only one, no proof would be asked for.
  if (auto ok = access_.close(spec.iqn); !ok) return ok;
  for (const auto& user : {known.user, spec.chap_user}) {
    if (user.empty()) continue;
    if (auto ok = absent_is_fine(iet_.delete_account(target.tid, user)); !ok) return ok;
  }
  auto added = iet_.new_account(target.tid, spec.chap_user, spec.chap_secret);
  if (!added && added.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::internal,
                "the kernel still has target " + spec.iqn +
                    " of an ietd that is gone, and this one does not know it; stop ietd, unload "
                    "iscsi_trgt and start both again");
  }
  if (!added) return added;
  known.user = spec.chap_user;
  known.secret = spec.chap_secret;
  remember(spec.iqn, known);
  return {};
}

Result<void> IetDriver::fence(const std::string& iqn) {
  if (iet_.surely_absent()) return {};
  const auto target = find(iqn);
  if (!target) return fail(target.error());
  return *target ? access_.close(iqn) : Result<void>();
}

Result<std::vector<IetSession>> IetDriver::sessions_of(std::uint32_t tid) {
  auto all = iet_.sessions();
  if (!all) return all;
  std::erase_if(*all, [tid](const IetSession& session) { return session.tid != tid; });
  return all;
}

Result<void> IetDriver::end_sessions(std::uint32_t tid) {
  const auto sessions = sessions_of(tid);
  if (!sessions) return fail(sessions.error());
  for (const auto& session : *sessions) {
    for (const auto& connection : session.connections) {
      auto closed = iet_.close_connection(tid, session.sid, connection.cid);
      // That one is gone by itself meanwhile is told apart from other troubles by the next look.
      if (!closed && closed.error().code == ErrorCode::node_unavailable) return closed;
    }
  }
  return {};
}

Result<void> IetDriver::tear_down(const IetTarget& target) {
  if (auto ok = access_.close(target.iqn); !ok) return ok;
  fault_point("volumed.remove_target.after_fence");
  if (auto ok = end_sessions(target.tid); !ok) return ok;
  fault_point("volumed.remove_target.after_end");
  const auto left = sessions_of(target.tid);
  if (!left) return fail(left.error());
  // Deleting a unit or, in later versions, a target does not ask for sessions.
  if (!left->empty()) return fail(ErrorCode::conflict, "sessions are still closing");
  return absent_is_fine(iet_.delete_target(target.tid));
}

Result<void> IetDriver::remove_target(const std::string& iqn) {
  return until_gone("IET", iqn, [&]() -> Result<void> {
    const auto target = find(iqn);
    if (!target) return fail(target.error());
    if (!*target) return {};
    if (auto ok = tear_down(**target); !ok) return ok;
    return fail(ErrorCode::conflict, "it has only just been deleted");
  });
}

Result<void> IetDriver::remove(const std::string& iqn, const std::string&) {
  if (!iet_.surely_absent()) {
    if (auto ok = remove_target(iqn); !ok) return ok;
  }
  {
    std::lock_guard guard(mutex_);
    made_.erase(iqn);
  }
  return access_.forget(iqn);
}

}  // namespace vbs::volume_delegate
