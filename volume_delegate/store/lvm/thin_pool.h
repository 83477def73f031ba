#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/store/lvm/lvm_report.h"

namespace vbs::volume_delegate {

/// How full, in percent, and what happens then.
struct FillMarks {
  unsigned warn = 0;
  unsigned throttle = 0;  ///< creates become rare
  unsigned refuse = 0;    ///< creates are refused; nothing beyond this is ever promised
};

struct ThinPoolOptions {
  std::string name;
  std::uint64_t size_bytes = 0;  ///< made with this size if it is absent; 0: it has to be there
  unsigned overcommit_percent = 100;
  FillMarks data{70, 85, 95};
  FillMarks metadata{60, 70, 80};
  Milliseconds throttled_pause{10'000};  ///< between creates above a throttle mark
};

/// The rules for what a thin pool may be asked to hold. A full pool stops every guest in it, and
/// one without metadata space is damaged (dm-thin), so both are promised before they are used.
class ThinPool {
 public:
  ThinPool(ThinPoolOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}

  const std::string& name() const { return options_.name; }

  /// The pool in a view; an error where it is absent, is no pool, or does not zero what it
  /// provisions.
  Result<LogicalVolume> find(const GroupView& view) const;
  /// What may be promised in all, and what is: full sizes of every thin volume in it, whoever made
  /// it, and `outstanding`.
  Result<StoreSpace> space(const GroupView& view, std::uint64_t outstanding) const;
  /// insufficient_space, with the numbers, where `bytes` more cannot be promised or a mark to
  /// refuse is reached; overloaded where creates have become rare and one was made just now.
  Result<void> admit(const GroupView& view, std::uint64_t outstanding, std::uint64_t bytes);
  /// What an operator should know, "" if nothing.
  std::string warning(const GroupView& view) const;

  /// Metadata for every chunk that is promised, with as much again for snapshots.
  static std::uint64_t metadata_for(std::uint64_t promised_bytes);

 private:
  Result<void> check_marks(const LogicalVolume& pool);
  Result<void> check_promises(const GroupView& view, const LogicalVolume& pool,
                              std::uint64_t outstanding, std::uint64_t bytes) const;

  const ThinPoolOptions options_;
  Clock& clock_;
  std::mutex mutex_;
  std::optional<MonotonicTime> last_throttled_;
};

}  // namespace vbs::volume_delegate
