#pragma once

#include <mutex>
#include <string>

#include "common/clock.h"
#include "common/ids.h"
#include "common/wire/device.h"
#include "tests/unit/common/support.h"

namespace vbs::test {

/// Stands still until it is told to move. Thread-safe.
class ManualClock final : public Clock {
 public:
  WallTime wall() const override {
    const std::lock_guard lock(mutex_);
    return WallTime(std::chrono::duration_cast<Milliseconds>(std::chrono::days(20'000) + passed_));
  }
  MonotonicTime monotonic() const override {
    const std::lock_guard lock(mutex_);
    return MonotonicTime(passed_);
  }
  void advance(std::chrono::nanoseconds time) {
    const std::lock_guard lock(mutex_);
    passed_ += time;
  }

 private:
  mutable std::mutex mutex_;
  std::chrono::nanoseconds passed_{std::chrono::hours(1)};
};

/// A well-formed id that differs in its last digits.
inline Uuid test_id(unsigned number) {
  char text[37];
  std::snprintf(text, sizeof(text), "0199f000-0000-7000-8000-%012x", number);
  return *Uuid::parse(text);
}

inline wire::DeviceSpec device_spec(const std::string& vm, const Uuid& volume,
                                    std::int64_t generation = 1) {
  wire::DeviceSpec spec;
  spec.vm = vm;
  spec.device = "/dev/sdb";
  spec.session.volume = volume;
  spec.session.portal = "127.0.0.1:3260";
  spec.session.iqn = "iqn.2026-01.vbs:test";
  spec.session.chap_user = "user";
  spec.session.chap_secret = Secret("secretsecret12");
  spec.session.generation = generation;
  return spec;
}

}  // namespace vbs::test
