#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/units.h"
#include "volume_delegate/store/make_store.h"

namespace vbs::conformance {

using volume_delegate::BackingStore;
using volume_delegate::CopyControl;
using volume_delegate::ObjectKind;
using volume_delegate::ObjectRef;
using volume_delegate::PreparedCopy;
using volume_delegate::Removal;
using volume_delegate::StoreListing;
using volume_delegate::StoreSettings;

constexpr std::uint64_t kSize = 16 * kMiB;  ///< of a volume, where a case wants no other

/// The system's time and what a test adds, so that upkeep does not wait for its turn.
class SkippingClock final : public Clock {
 public:
  WallTime wall() const override { return system_.wall(); }
  MonotonicTime monotonic() const override { return system_.monotonic() + skipped_.load(); }
  void skip(Milliseconds by) { skipped_ = skipped_.load() + by; }

 private:
  SystemClock system_;
  std::atomic<Milliseconds> skipped_{Milliseconds(0)};
};

/// What the environment says is tested:
///     VBS_CONFORMANCE_DRIVER     file, lvm or lvm-thin
///     VBS_CONFORMANCE_FOLDER     file: a folder of its own; a new one below /var/tmp if absent
///     VBS_CONFORMANCE_GROUP      lvm*: a volume group of its own, whose name begins with "vbsconf"
///     VBS_CONFORMANCE_POOL       lvm-thin: the pool in it; made by the store if absent
///     VBS_CONFORMANCE_WIPE_RATE  lvm: bytes a second
///     VBS_CONFORMANCE_CYCLES     in which old bytes are looked for; 1,000 for file, 10 for lvm*
struct Target {
  std::string driver, folder, group, pool;
  std::uint64_t wipe_rate = 0;
  int cycles = 0;

  static Target from_environment();
  bool is_lvm() const { return driver != "file"; }
  StoreSettings settings() const;
};
/// Set by main.
const Target& target();

/// A store and what a test does with it. Every test begins and ends with an empty one.
class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// As after a start of the program.
  void reopen();
  void close() { store_.reset(); }
  /// Upkeep, until nothing is left half-made or half-gone.
  void settle();

  Uuid fresh();
  /// "" for success.
  std::string create(const Uuid& id, std::uint64_t size_bytes);
  std::string copy(const Uuid& id, std::uint64_t size_bytes, const ObjectRef& source);
  std::string snapshot(const Uuid& id, const Uuid& volume);
  /// Asks until it has grown.
  std::string grow(const Uuid& id, std::uint64_t size_bytes);
  using Prepare = std::function<Result<std::unique_ptr<PreparedCopy>>()>;
  /// Prepares and runs; asks again while what had the id before is still being removed.
  std::string run(const Prepare& prepare);
  /// Asks until it is gone.
  std::string remove(const ObjectRef& object);

  /// Bytes that no other seed gives, at an offset of a volume, past the page cache.
  void write(const Uuid& volume, std::uint64_t offset, std::uint64_t size, unsigned seed);
  ::testing::AssertionResult holds(const Uuid& volume, std::uint64_t offset, std::uint64_t size,
                                   unsigned seed);
  ::testing::AssertionResult is_zero(const Uuid& volume, std::uint64_t offset, std::uint64_t size);

  bool has(const ObjectRef& object);
  std::uint64_t reserved();

  /// Does one thing in a process of its own which dies at a fault point; false if it did not die.
  /// `act`: "create", "copy", "snapshot", "remove", "grow", each with its arguments.
  bool killed_at(const std::string& point, const std::vector<std::string>& act);

  SkippingClock clock_;
  std::unique_ptr<BackingStore> store_;
};

/// The other side of killed_at: called by main with the arguments of `act`; an exit code.
int act(const std::vector<std::string>& arguments);

/// Runs a program of the system; what it wrote, or an empty optional if it failed.
std::optional<std::string> tool(const std::string& name, std::vector<std::string> arguments);

inline ObjectRef volume(const Uuid& id) {
  return {ObjectKind::volume, id};
}
inline ObjectRef snapshot_of(const Uuid& id) {
  return {ObjectKind::snapshot, id};
}

template <class T>
std::string trouble(const Result<T>& result) {
  return result ? std::string() : describe(result.error());
}
template <class T>
ErrorCode code_of(const Result<T>& result) {
  EXPECT_FALSE(result.has_value()) << "it succeeded";
  return result ? ErrorCode::internal : result.error().code;
}

}  // namespace vbs::conformance
