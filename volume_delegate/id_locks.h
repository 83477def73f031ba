#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <vector>

#include "common/ids.h"

namespace vbs::volume_delegate {

/// One lock for each id that somebody works on: calls about the same object wait for each other,
/// others run side by side. All ids of one call are taken together, so nothing can deadlock as long
/// as a thread holds one Guard at a time. Thread-safe.
class IdLocks {
 public:
  class Guard {
   public:
    Guard(IdLocks& locks, std::vector<Uuid> ids);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    IdLocks& locks_;
    const std::vector<Uuid> ids_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<Uuid> held_;
};

}  // namespace vbs::volume_delegate
