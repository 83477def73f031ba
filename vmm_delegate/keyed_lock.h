#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/clock.h"

namespace vbs::vmm_delegate {

/// One lock for each key that anybody holds: what concerns one VM or one attachment runs one after
/// the other, while others go on. Thread-safe.
class KeyedLock {
 public:
  /// Holds the key until it is destroyed; the KeyedLock must live as long.
  class Guard {
   public:
    Guard(KeyedLock& owner, std::string key) : owner_(&owner), key_(std::move(key)) {}
    Guard(Guard&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard();

   private:
    KeyedLock* owner_;
    std::string key_;
  };

  /// Nothing when somebody else still holds the key after `limit`.
  std::optional<Guard> acquire(const std::string& key, Milliseconds limit);

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  std::set<std::string> held_;
};

}  // namespace vbs::vmm_delegate
