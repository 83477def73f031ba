#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/wire/export.h"
#include "volume_delegate/record_folder.h"

namespace vbs::volume_delegate {

/// What is remembered about one attachment's export.
struct ExportRecord {
  enum class Phase {
    live,      ///< is to be served, and rebuilt whenever it is not
    removing,  ///< its end is decided; whoever comes by finishes it
    buried,    ///< cut off from its volume; an empty target is to be served until it is removed
    gone,      ///< a tombstone: only the generation counts, secrets are forgotten
  };
  Uuid attachment;
  Phase phase = Phase::live;
  std::int64_t generation = 0;  ///< the highest seen, from orders of either kind
  wire::ExportSpec spec;        ///< empty when gone
  std::uint32_t number = 0;     ///< numeric target id, see TargetSpec
  std::string iqn;              ///< of the target; "": not written down, by an older version
  WallTime gone_at{};           ///< when it became gone
};

/// One durable record for each attachment, so that every export can be rebuilt while the front is
/// away. Thread-safe; the caller keeps two writers of one attachment apart.
class ExportRecords {
 public:
  /// Reads what is there; a record that cannot be read is an error that names it.
  static Result<std::unique_ptr<ExportRecords>> load(RecordFolder& folder);

  std::optional<ExportRecord> find(const Uuid& attachment) const;
  /// All but those that are gone, by attachment.
  std::vector<ExportRecord> present() const;
  /// Those that hold on to one volume: live and removing.
  std::vector<ExportRecord> of_volume(const Uuid& volume) const;
  Result<void> save(const ExportRecord& record);
  /// Forgets tombstones of before `limit`.
  Result<void> prune(WallTime limit);
  /// A number that no export of this server ever had, also across restarts.
  Result<std::uint32_t> next_number();

 private:
  explicit ExportRecords(RecordFolder& folder) : folder_(folder) {}
  Result<void> load_counter();

  RecordFolder& folder_;
  mutable std::mutex mutex_;
  std::map<Uuid, ExportRecord> records_;
  std::uint32_t next_number_ = 1;
  std::uint32_t numbers_until_ = 1;  // durably set aside up to here, exclusive
};

}  // namespace vbs::volume_delegate
