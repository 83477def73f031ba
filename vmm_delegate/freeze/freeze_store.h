#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/wire/freeze.h"

namespace vbs::vmm_delegate {

/// How a freeze ended: thawed while it still held, or not holding any more, be it that its lease
/// ran out or that somebody else let the VM run.
enum class Ending { thawed, expired };

/// Where a freeze is. It only moves forward: none -> held -> ended -> ended and done.
struct FreezePhase {
  bool known = false;            ///< a freeze of this id was begun, or ended before it began
  std::optional<Ending> ending;  ///< empty while it holds
  bool done = false;             ///< nothing in the VM is held still any more
};

/// What must be known to undo a freeze, written before anything is done to the VM.
struct FreezeRecord {
  Uuid id;
  wire::FreezeSpec spec;
  MonotonicTime expires;      ///< of this boot: a machine that restarted runs none of these VMs
  bool freeze_files = false;  ///< to be thawed by the guest agent
  bool stop = false;          ///< processors to be let run again; from just before they are stopped
  bool complete = false;      ///< everything that was asked for is held
  std::int64_t writes = 0;    ///< of a VM that stands still, when it was complete
  std::string consistency = "crash";
};

/// Freezes as files in one folder, shared by the delegate and by the lease helpers:
///   <id>.json    the record, written by the delegate only
///   <id>.held, then .thawed or .expired, then .thawed-done or .expired-done
///                one empty file whose name is the phase. Renaming it is the one decision between a
///                thaw in time and a lease that ran out: the second renamer finds nothing to
///                rename.
///   <id>.lock    locked by the lease helper as long as it lives
///   <id>.acting  locked by the delegate while it holds the VM still, step by step
/// Thread-safe. Phases may be changed by several processes at once.
class FreezeStore {
 public:
  static Result<FreezeStore> open(std::string folder);

  Result<std::vector<Uuid>> ids() const;
  Result<FreezePhase> phase(const Uuid& id) const;
  /// Nothing for an id that ended before it began.
  Result<std::optional<FreezeRecord>> record(const Uuid& id) const;
  Result<void> save(const FreezeRecord& record);

  /// Saves the record and begins the phase `held`.
  Result<void> begin(const FreezeRecord& record);
  /// Makes sure that an unknown id is never begun.
  Result<void> bury(const Uuid& id);
  /// Ends a freeze that is held; returns how it ended, which may be otherwise than `wanted`.
  Result<Ending> end(const Uuid& id, Ending wanted);
  Result<void> finish(const Uuid& id, Ending ending);
  /// Forgets it, as if it had never been begun.
  Result<void> forget(const Uuid& id);
  /// Removes what a crash left of freezes that were just being begun or forgotten: files without a
  /// phase, which nobody finds. For the delegate, before it begins any.
  Result<void> tidy();
  /// When the phase was last changed.
  Result<WallTime> changed(const Uuid& id) const;

  std::string lock_path(const Uuid& id) const;
  std::string acting_path(const Uuid& id) const;

 private:
  explicit FreezeStore(std::string folder);
  std::string path(const Uuid& id, std::string_view suffix) const;

  std::string folder_;
};

}  // namespace vbs::vmm_delegate
