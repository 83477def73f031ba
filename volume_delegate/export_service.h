#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/wire/export.h"
#include "common/wire/size.h"
#include "volume_delegate/copy_board.h"
#include "volume_delegate/export_records.h"
#include "volume_delegate/id_locks.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/target/target_driver.h"
#include "volume_delegate/volume_service.h"

namespace vbs::volume_delegate {

/// What exports are made of; all of it outlives the service.
struct ExportParts {
  BackingStore& store;
  TargetDriver& target;
  ExportRecords& records;
  CopyBoard& copies;
  IdLocks& locks;
  Clock& clock;
  std::string iqn_prefix;
};

/// Exports by their wire contract (wire/export.h). The record comes first: an export whose record
/// is live is made and made again until it is served as asked; one whose record is removing is
/// taken down, whoever comes by. Calls block; thread-safe.
class ExportService {
 public:
  explicit ExportService(ExportParts parts) : parts_(std::move(parts)) {}

  Result<wire::ExportStatus> put(const Uuid& attachment, const wire::ExportSpec& spec);
  /// Shows the initiators the size that the volume has now.
  Result<wire::ExportStatus> refresh_size(const Uuid& attachment, const wire::ExportSizeSpec& spec);
  Result<wire::ExportStatus> get(const Uuid& attachment);
  enum class Ending {
    orderly,  ///< live sessions are a conflict, and stay
    revoke,   ///< ends live sessions
    bury,     ///< the same, but an empty target stays for an initiator that could not be told
  };
  Result<void> remove(const Uuid& attachment, std::int64_t generation, Ending ending);

  struct Listing {
    std::vector<wire::ExportStatus> exports;
    std::vector<std::string> foreign;  ///< targets of the daemon that no record explains
  };
  /// An error where it is not known what the daemon serves.
  Result<Listing> list();

  /// Sees that the target daemon runs, and, when it was started afresh and every few seconds, that
  /// it serves what the records say. To be called about twice a second, by one thread.
  void tend();
  /// Why exports cannot be served, for people; "" when all is well.
  std::string problem() const;

 private:
  Result<void> check_order(const Uuid& attachment, const wire::ExportSpec& spec,
                           const std::optional<ExportRecord>& record);
  Result<void> check_volume(const Uuid& id);
  Result<void> show_size(const ExportRecord& record);
  Result<void> check_sharing(const Uuid& attachment, const wire::ExportSpec& spec);
  Result<ExportRecord> record_order(const Uuid& attachment, const wire::ExportSpec& spec,
                                    std::optional<ExportRecord> record);
  Result<void> remove_unrecorded(const Uuid& attachment, std::int64_t generation);
  Result<void> check_no_sessions(const ExportRecord& record);
  Result<void> finish_removal(ExportRecord record);
  /// Makes what is served of a buried export an empty target, and nothing else.
  Result<void> finish_burial(const ExportRecord& record);
  Result<void> finish(const ExportRecord& record);
  /// Fails at once while the daemon is known to hang: waiting for it would use up every thread.
  Result<void> check_daemon_answers() const;
  /// What the daemon serves, which is nothing where it does not run; an error where it does not
  /// tell: what does not show then may be there all the same.
  Result<std::vector<TargetView>> views();
  /// Makes the target; takes another number where a foreign target has that of the record.
  Result<void> serve(ExportRecord record);
  void note_problem(std::optional<Error> problem);
  void tend_one(const ExportRecord& seen, const std::vector<TargetView>& views);
  void note_trouble(const Uuid& attachment, const Result<void>& result);

  std::string iqn(const ExportRecord& record) const;
  TargetSpec target_spec(const ExportRecord& record) const;
  wire::ExportStatus status(const ExportRecord& record,
                            const std::optional<TargetView>& view) const;

  const ExportParts parts_;
  std::mutex order_mutex_;
  mutable std::mutex mutex_;  // of what follows
  std::optional<Error> problem_;
  std::map<Uuid, std::string> troubles_;  // last error of each rebuild, so that it is logged once
  bool must_check_ = true;
  MonotonicTime last_check_{};
};

}  // namespace vbs::volume_delegate
