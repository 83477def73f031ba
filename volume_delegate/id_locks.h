#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"

namespace vbs::volume_delegate {

/// One lock for each id that somebody works on: calls about the same object wait for each other,
/// others run side by side. All ids of one call are taken together, so nothing can deadlock as long
/// as a thread holds one Guard at a time. Thread-safe.
class IdLocks {
 public:
  /// Holds its ids until it is destroyed; the IdLocks must live as long.
  class Guard {
   public:
    Guard(Guard&& other) noexcept
        : locks_(std::exchange(other.locks_, nullptr)), ids_(std::move(other.ids_)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard();

   private:
    friend class IdLocks;
    Guard(IdLocks& locks, std::vector<Uuid> ids) : locks_(&locks), ids_(std::move(ids)) {}

    IdLocks* locks_;
    std::vector<Uuid> ids_;
  };

  /// Longer than orders about one object take, and short enough that those which wait for one that
  /// hangs do not use up the threads.
  static constexpr Milliseconds kPatience{5'000};

  /// overloaded: somebody else still holds one of them after `limit`; nothing is held then.
  Result<Guard> take(std::vector<Uuid> ids, Milliseconds limit = kPatience);

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<Uuid> held_;
};

}  // namespace vbs::volume_delegate
