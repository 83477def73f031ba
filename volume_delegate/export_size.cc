// The part of ExportService that shows initiators what size a volume has grown to.

#include <algorithm>

#include "volume_delegate/export_errors.h"
#include "volume_delegate/export_service.h"

namespace vbs::volume_delegate {

Result<wire::ExportStatus> ExportService::refresh_size(const Uuid& attachment,
                                                       const wire::ExportSizeSpec& spec) {
  if (auto ok = check_daemon_answers(); !ok) return fail(ok.error());
  const auto guard = parts_.locks.take({attachment});
  if (!guard) return fail(guard.error());
  const auto record = parts_.records.find(attachment);
  if (!record || record->phase != ExportRecord::Phase::live) {
    return no_export(attachment);
  }
  if (spec.generation < record->generation) {
    return stale_order(attachment, spec.generation, record->generation);
  }
  const auto volume = parts_.store.find_volume(record->spec.volume);
  if (!volume) return fail(volume.error());
  if (volume->size_bytes != spec.size_bytes) {
    return fail(ErrorCode::conflict, "volume " + volume->id.str() + " has " +
                                         std::to_string(volume->size_bytes) + " bytes here, not " +
                                         std::to_string(spec.size_bytes));
  }
  if (auto shown = show_size(*record); !shown) return fail(shown.error());
  auto status = get(attachment);
  // A device may be larger than its volume: LVM's are whole extents. 0: it is not told.
  if (!status || status->size_bytes == 0 || status->size_bytes >= spec.size_bytes) return status;
  return fail(ErrorCode::timeout, "the target daemon shows export " + attachment.str() + " with " +
                                      std::to_string(status->size_bytes) + " bytes, not " +
                                      std::to_string(spec.size_bytes));
}

Result<void> ExportService::show_size(const ExportRecord& record) {
  const auto all = views();
  if (!all) return fail(all.error());
  const TargetSpec spec = target_spec(record);
  const bool served = std::any_of(all->begin(), all->end(),
                                  [&](const TargetView& view) { return serves(view, spec); });
  // A target that is made anew finds the size that the device has.
  if (!served) return serve(record);
  // Where this cannot be done with sessions, no volume grows while it is exported.
  if (!parts_.target.grows_live()) return {};
  return parts_.target.refresh_size(spec);
}

}  // namespace vbs::volume_delegate
