#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/volume_delegate/lvm_support.h"
#include "tests/unit/volume_delegate/store_support.h"
#include "volume_delegate/store/lvm/lvm_store.h"

namespace vbs::volume_delegate::testing {

constexpr std::uint64_t kSize = 8 * kMiB;
inline const std::string kZeros(kSize, '\0');

/// An LvmStore over a scripted lvm.
class LvmStoreTest : public ::testing::Test {
 protected:
  void open(unsigned promised_percent = 100) {
    LvmThickOptions options;
    options.lvm = {"vg", {}, 0, wipe_rate_, kTiB};
    options.snapshots.least_bytes = 4 * kMiB;
    options.snapshots.promised_percent = promised_percent;
    store_.reset();
    auto opened = LvmStore::open(options, lvm_.group(clock_), clock_);
    ASSERT_EQ("", trouble(opened));
    store_ = std::move(*opened);
  }
  void SetUp() override { open(); }
  void tend() {
    clock_.advance(std::chrono::minutes(1));
    store_->tend();
  }
  static LvRecord record(unsigned number, LvStage stage = LvStage::whole) {
    LvRecord record;
    record.object = {ObjectKind::volume, id(number)};
    record.size_bytes = kSize;
    record.stage = stage;
    return record;
  }
  /// A snapshot, as id(number), of the volume id(1), which is made too.
  void put_snapshot(unsigned number, double full, bool invalid = false) {
    lvm_.put(record(1));
    LvRecord snapshot = record(number);
    snapshot.object.kind = ObjectKind::snapshot;
    snapshot.of = id(1);
    lvm_.put(snapshot, lv_name(id(1)));
    lvm_.change(lv_name(id(number)), [&](LogicalVolume& lv) {
      lv.size_bytes = 4 * kMiB;
      lv.data_percent = full;
      lv.invalid = invalid;
    });
  }
  bool eventually_gone(unsigned number) {
    return eventually([&] { return !lvm_.has(lv_name(id(number))); });
  }

  ManualClock clock_;
  ScriptedLvm lvm_;
  std::uint64_t wipe_rate_ = kTiB;  ///< bytes a second, from the next `open` on
  std::unique_ptr<LvmStore> store_;
};

}  // namespace vbs::volume_delegate::testing
