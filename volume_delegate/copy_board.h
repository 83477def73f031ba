#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/clock.h"
#include "common/executor.h"
#include "volume_delegate/store/backing_store.h"

namespace vbs::volume_delegate {

/// What was asked for by the order that started a copy, or the zeroing of a new volume; compared
/// with later orders of the same id.
struct CopyOrder {
  ObjectRef object;
  std::optional<ObjectRef> source;  ///< none: it is filled with zeros
  std::uint64_t size_bytes = 0;
  bool operator==(const CopyOrder&) const = default;
};

/// Who must not stand in line behind whom.
enum class Urgency {
  usual,
  only_zeros,   ///< a new volume without a source: nobody expects it to wait for others' copies
  guest_waits,  ///< a guest is held still until its volume is copied
};

/// Copies that run in the background, and those that failed until somebody has been told.
/// Thread-safe. Everything here is lost with the process: an interrupted copy does not exist, and
/// the next order for it begins again.
class CopyBoard {
 public:
  /// Runs a task some time; false when there is no room for it.
  using Post = std::function<bool(Task, Urgency)>;
  CopyBoard(Post post, Clock& clock) : post_(std::move(post)), clock_(clock) {}

  struct View {
    CopyOrder order;
    std::uint64_t copied_bytes = 0;
    bool cancelled = false;
    std::optional<Error> failure;  ///< ended without success; the object does not exist
  };
  std::optional<View> find(const Uuid& id) const;
  std::vector<View> running() const;
  /// The id of a running copy that reads `source`.
  std::optional<Uuid> reader_of(const ObjectRef& source) const;

  /// Begins a copy, which then is on the board. A copy that takes no time is run here and now, and
  /// is not. Fails with `overloaded` when too many wait.
  Result<void> begin(const CopyOrder& order, std::unique_ptr<PreparedCopy> copy, Urgency urgency);
  /// Asks a copy to stop. True: it runs, and leaves the board when it has stopped. One that still
  /// waits for its turn is gone at once, with its space.
  bool cancel(const Uuid& id);
  void cancel_all();
  /// Takes a failed copy off the board.
  void forget_failure(const Uuid& id);
  /// The same for failures that nobody asked about for an hour.
  void forget_old_failures();

 private:
  struct Entry {
    CopyOrder order;
    std::shared_ptr<CopyControl> control;
    std::unique_ptr<PreparedCopy> waiting;  ///< until it runs
    std::optional<Error> failure;
    MonotonicTime ended{};
  };
  static View view_of(const Entry& entry);
  void run(const Uuid& id, const std::shared_ptr<CopyControl>& control);
  std::unique_ptr<PreparedCopy> take(const Uuid& id, const CopyControl& control);

  const Post post_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::map<Uuid, Entry> entries_;
};

}  // namespace vbs::volume_delegate
