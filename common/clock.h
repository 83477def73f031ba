#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace vbs {

using Milliseconds = std::chrono::milliseconds;
/// UTC wall-clock time, as stored and shown. Never used to order or to expire things in memory.
using WallTime = std::chrono::sys_time<Milliseconds>;
/// Monotonic time since an arbitrary start; for deadlines, leases and back-off.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// Where all time comes from, so that a whole run can be simulated. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual MonotonicTime monotonic() const = 0;
};

/// The machine's own clocks.
class SystemClock final : public Clock {
 public:
  WallTime wall() const override;
  MonotonicTime monotonic() const override;
};

/// RFC 3339 in UTC with milliseconds: "2026-03-01T12:00:00.000Z".
std::string to_rfc3339(WallTime time);
inline std::int64_t to_millis(WallTime time) {
  return time.time_since_epoch().count();
}
inline WallTime from_millis(std::int64_t millis) {
  return WallTime(Milliseconds(millis));
}

}  // namespace vbs
