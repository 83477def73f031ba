#include "volume_delegate/export_service.h"

#include <utility>

#include "common/fault_point.h"
#include "volume_delegate/export_errors.h"
#include "volume_delegate/target/export_identity.h"

namespace vbs::volume_delegate {
namespace {

using Phase = ExportRecord::Phase;

/// Foreign targets may hold some of the first numbers, but hardly this many in a row.
constexpr int kNumberAttempts = 16;

bool same_but_generation(const wire::ExportSpec& a, const wire::ExportSpec& b) {
  return a.volume == b.volume && a.initiator == b.initiator && a.chap_user == b.chap_user &&
         a.chap_secret == b.chap_secret && a.read_only == b.read_only;
}

}  // namespace

std::string ExportService::iqn(const ExportRecord& record) const {
  if (!record.iqn.empty()) return record.iqn;
  return export_iqn(parts_.iqn_prefix, record.attachment);
}

TargetSpec ExportService::target_spec(const ExportRecord& record) const {
  const wire::ExportSpec& spec = record.spec;
  if (record.phase == Phase::buried) {
    return {iqn(record),    record.number,    {},   {}, spec.initiator,
            spec.chap_user, spec.chap_secret, false};
  }
  return {iqn(record),       record.number,  parts_.store.device(spec.volume),
          spec.volume.str(), spec.initiator, spec.chap_user,
          spec.chap_secret,  spec.read_only};
}

wire::ExportStatus ExportService::status(const ExportRecord& record,
                                         const std::optional<TargetView>& view) const {
  wire::ExportStatus out;
  out.attachment = record.attachment;
  out.volume = record.spec.volume;
  out.iqn = iqn(record);
  out.portal = parts_.target.portal();
  out.lun = kExportLun;
  out.serial = record.spec.volume.str();
  out.initiator = record.spec.initiator;
  out.read_only = record.spec.read_only;
  out.generation = record.generation;
  out.active = view && record.phase == Phase::live && serves(*view, target_spec(record));
  out.buried = record.phase == Phase::buried;
  if (view) {
    out.size_bytes = view->size_bytes;
    for (const auto& session : view->sessions) {
      out.sessions.push_back({session.initiator, session.address});
    }
  }
  return out;
}

Result<wire::ExportStatus> ExportService::put(const Uuid& attachment,
                                              const wire::ExportSpec& spec) {
  if (auto ok = check_export_access(spec); !ok) return fail(ok.error());
  if (auto ok = check_daemon_answers(); !ok) return fail(ok.error());
  const auto guard = parts_.locks.take({attachment, spec.volume});
  if (!guard) return fail(guard.error());
  auto record = parts_.records.find(attachment);
  if (auto ok = check_order(attachment, spec, record); !ok) return fail(ok.error());
  if (auto ok = check_volume(spec.volume); !ok) return fail(ok.error());
  const std::string why_not = problem();
  if (!why_not.empty()) return fail(ErrorCode::node_unavailable, why_not);
  auto recorded = record_order(attachment, spec, std::move(record));
  if (!recorded) return fail(recorded.error());
  if (auto ok = serve(*recorded); !ok) return fail(ok.error());
  fault_point("volumed.put_export.after_act");
  auto made = get(attachment);
  if (!made || made->active) return made;
  return fail(ErrorCode::timeout, "the target daemon accepted every step of export " +
                                      attachment.str() + " but does not show it as asked");
}

Result<void> ExportService::check_order(const Uuid& attachment, const wire::ExportSpec& spec,
                                        const std::optional<ExportRecord>& record) {
  if (!record) return {};
  const bool live = record->phase == Phase::live;
  // The order that ended an export may have had this very generation; its end stands.
  const bool late =
      live ? spec.generation < record->generation : spec.generation <= record->generation;
  if (late) return stale_order(attachment, spec.generation, record->generation);
  if (!live) return finish_removal(*record);
  if (same_but_generation(spec, record->spec)) return {};
  return fail(ErrorCode::conflict,
              "export " + attachment.str() +
                  " is there with other properties; remove it before making it anew");
}

Result<void> ExportService::check_volume(const Uuid& id) {
  const ObjectRef volume{ObjectKind::volume, id};
  if (auto ok = check_source_is_complete(parts_.copies, volume); !ok) return ok;
  auto held = parts_.store.find_volume(id);
  if (held) return {};
  if (held.error().code != ErrorCode::not_found) return fail(held.error());
  return fail(Error{
      ErrorCode::not_found, "there is no " + volume.str() + " on this server", "volume", {}, {}});
}

Result<void> ExportService::check_sharing(const Uuid& attachment, const wire::ExportSpec& spec) {
  for (const auto& other : parts_.records.present()) {
    if (other.attachment == attachment || other.phase == Phase::buried) continue;
    if (other.spec.volume == spec.volume && !(other.spec.read_only && spec.read_only)) {
      return fail(ErrorCode::conflict, "volume " + spec.volume.str() +
                                           " is exported for attachment " + other.attachment.str() +
                                           "; only read-only exports may be several");
    }
    if (other.spec.chap_user == spec.chap_user) {
      return fail(Error{
          ErrorCode::conflict,
          "is the CHAP user of export " + other.attachment.str() + "; every export needs its own",
          "chap_user",
          {},
          {}});
    }
  }
  return {};
}

Result<ExportRecord> ExportService::record_order(const Uuid& attachment,
                                                 const wire::ExportSpec& spec,
                                                 std::optional<ExportRecord> record) {
  const bool known = record && record->phase == Phase::live;
  if (known && record->generation == spec.generation) return std::move(*record);
  ExportRecord order;
  order.attachment = attachment;
  order.generation = spec.generation;
  order.spec = spec;
  order.iqn = iqn(known ? *record : order);
  // Two orders for different attachments must not both find that nobody has the user or volume.
  std::lock_guard guard(order_mutex_);
  if (known) {
    order.number = record->number;
  } else {
    if (auto ok = check_sharing(attachment, spec); !ok) return fail(ok.error());
    auto number = parts_.records.next_number();
    if (!number) return fail(number.error());
    order.number = *number;
  }
  fault_point("volumed.put_export.before_record");
  if (auto ok = parts_.records.save(order); !ok) return fail(ok.error());
  fault_point("volumed.put_export.after_record");
  return order;
}

Result<void> ExportService::serve(ExportRecord record) {
  for (int attempt = 0;; ++attempt) {
    auto applied = parts_.target.apply(target_spec(record));
    const bool taken = !applied && applied.error().code == ErrorCode::already_exists;
    if (!taken || attempt == kNumberAttempts) return applied;
    auto number = parts_.records.next_number();
    if (!number) return fail(number.error());
    record.number = *number;
    if (auto ok = parts_.records.save(record); !ok) return ok;
  }
}

Result<wire::ExportStatus> ExportService::get(const Uuid& attachment) {
  const auto record = parts_.records.find(attachment);
  if (!record || record->phase == Phase::gone) {
    return no_export(attachment);
  }
  const auto seen = views();
  if (!seen) return fail(seen.error());
  const auto view = with_iqn(*seen, iqn(*record));
  if (auto ok = check_known(view); !ok) return fail(ok.error());
  return status(*record, view);
}

Result<void> ExportService::check_daemon_answers() const {
  std::lock_guard guard(mutex_);
  if (!problem_ || problem_->code != ErrorCode::timeout) return {};
  return fail(ErrorCode::node_unavailable, problem_->message);
}

Result<std::vector<TargetView>> ExportService::views() {
  if (auto ok = check_daemon_answers(); !ok) return fail(ok.error());
  auto views = parts_.target.list();
  if (!views && views.error().code == ErrorCode::node_unavailable) return std::vector<TargetView>();
  return views;
}

Result<ExportService::Listing> ExportService::list() {
  // Targets before records: an export that is made in between is then no foreign target.
  auto seen = views();
  if (!seen) return fail(seen.error());
  Listing out;
  std::map<std::string, TargetView> unexplained;
  for (auto& view : *seen) unexplained.emplace(view.iqn, std::move(view));
  for (const auto& record : parts_.records.present()) {
    const auto view = unexplained.extract(iqn(record));
    out.exports.push_back(
        status(record, view ? std::optional(std::move(view.mapped())) : std::nullopt));
  }
  for (const auto& [name, view] : unexplained) out.foreign.push_back("target " + name);
  return out;
}

}  // namespace vbs::volume_delegate
