// The part of ExportService that ends exports.

#include <utility>

#include "common/fault_point.h"
#include "common/log.h"
#include "volume_delegate/export_errors.h"
#include "volume_delegate/export_service.h"

namespace vbs::volume_delegate {

namespace {

using Phase = ExportRecord::Phase;

}  // namespace

Result<void> ExportService::remove(const Uuid& attachment, std::int64_t generation, Ending ending) {
  if (auto ok = check_daemon_answers(); !ok) return ok;
  const auto guard = parts_.locks.take({attachment});
  if (!guard) return fail(guard.error());
  auto record = parts_.records.find(attachment);
  if (!record) return remove_unrecorded(attachment, generation);
  if (generation < record->generation)
    return stale_order(attachment, generation, record->generation);
  const bool newer = generation > record->generation;
  record->generation = generation;
  if (record->phase == Phase::gone) return newer ? parts_.records.save(*record) : Result<void>();
  if (record->phase == Phase::live) {
    fault_point("volumed.delete_export.before_fence");
    if (auto ok = parts_.target.fence(iqn(*record)); !ok) return ok;
    fault_point("volumed.delete_export.after_fence");
    if (ending == Ending::orderly) {
      if (auto ok = check_no_sessions(*record); !ok) return ok;
    }
  }
  // From here on nothing rebuilds it with its volume, and it only goes forward.
  if (record->phase != Phase::removing) {
    record->phase = ending == Ending::bury ? Phase::buried : Phase::removing;
    if (auto ok = parts_.records.save(*record); !ok) return ok;
    fault_point("volumed.delete_export.after_intent");
  }
  return finish(*record);
}

Result<void> ExportService::finish(const ExportRecord& record) {
  return record.phase == Phase::buried ? finish_burial(record) : finish_removal(record);
}

Result<void> ExportService::finish_burial(const ExportRecord& record) {
  auto views = parts_.target.list();
  if (!views) return fail(views.error());
  const auto view = with_iqn(*views, iqn(record));
  if (view && serves(*view, target_spec(record))) return {};
  // Its sessions end with it, and come back to find it empty.
  auto removed = parts_.target.remove(iqn(record), record.spec.chap_user);
  if (!removed) return removed;
  fault_point("volumed.bury_export.after_removal");
  ExportRecord empty = record;
  auto number = parts_.records.next_number();
  if (!number) return fail(number.error());
  empty.number = *number;
  if (auto ok = parts_.records.save(empty); !ok) return ok;
  if (auto ok = serve(empty); !ok) return ok;
  log::info("left an empty target of an export", {{"attachment", record.attachment.str()}});
  return {};
}

Result<void> ExportService::remove_unrecorded(const Uuid& attachment, std::int64_t generation) {
  ExportRecord record;
  record.attachment = attachment;
  record.generation = generation;
  // The daemon may serve it all the same, and only the removal finds out that it surely does not.
  return finish_removal(std::move(record));
}

Result<void> ExportService::check_no_sessions(const ExportRecord& record) {
  const auto views = parts_.target.list();
  // Without a daemon there are no sessions; whether it is surely gone the removal finds out.
  if (!views && views.error().code == ErrorCode::node_unavailable) return {};
  if (!views) return fail(views.error());
  const auto view = with_iqn(*views, iqn(record));
  if (auto ok = check_known(view); !ok) return ok;
  if (!view || view->sessions.empty()) return {};
  const TargetSession session = view->sessions.front();
  if (auto ok = parts_.target.apply(target_spec(record)); !ok) note_trouble(record.attachment, ok);
  return fail(ErrorCode::conflict, "initiator " + session.initiator + " at " + session.address +
                                       " is logged in to export " + record.attachment.str() +
                                       "; detach there first, or revoke");
}

Result<void> ExportService::finish_removal(ExportRecord record) {
  if (record.phase == Phase::gone) return {};
  fault_point("volumed.delete_export.before_act");
  if (auto ok = parts_.target.remove(iqn(record), record.spec.chap_user); !ok) return ok;
  fault_point("volumed.delete_export.after_act");
  record.phase = Phase::gone;
  record.spec = {};
  record.iqn.clear();
  record.gone_at = parts_.clock.wall();
  if (auto ok = parts_.records.save(record); !ok) return ok;
  fault_point("volumed.delete_export.after_record");
  log::info("removed an export", {{"attachment", record.attachment.str()}});
  return {};
}

}  // namespace vbs::volume_delegate
