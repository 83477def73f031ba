// What only LVM has: classic snapshots that fill up, images, pools with marks, tags.

#include <thread>

#include "tests/conformance/store/rig.h"
#include "volume_delegate/store/lvm/lvm_tags.h"

namespace vbs::conformance {
namespace {

using volume_delegate::lv_name;

constexpr std::uint64_t kLargeSize = 32 * kMiB;

class LvmTest : public StoreTest {
 protected:
  void SetUp() override {
    if (!target().is_lvm()) GTEST_SKIP() << "LVM only";
    StoreTest::SetUp();
  }
  void TearDown() override {
    if (target().is_lvm()) StoreTest::TearDown();
  }
  std::string path(const std::string& lv) const { return target().group + "/" + lv; }
  std::string column(const std::string& lv, const std::string& name) const {
    auto text =
        tool("lvs", {"--noheadings", "--units", "b", "--nosuffix", "-o", name, "--", path(lv)});
    if (!text) return "no such LV";
    std::erase_if(*text, [](char c) { return c == ' ' || c == '\n'; });
    return *text;
  }
  void tend() {
    clock_.skip(std::chrono::hours(1));
    store_->tend();
  }
};

class ClassicSnapshotTest : public LvmTest {
 protected:
  void SetUp() override {
    if (target().driver != "lvm") GTEST_SKIP() << "thin snapshots have no room of their own";
    LvmTest::SetUp();
    if (HasFatalFailure()) return;
    ASSERT_EQ("", create(origin_, kLargeSize));
    write(origin_, 0, 4 * kMiB, 1);
    ASSERT_EQ("", snapshot(image_, origin_));
  }
  const Uuid origin_ = fresh();
  const Uuid image_ = fresh();
};

TEST_F(ClassicSnapshotTest, GetsMoreRoomBeforeItIsFull) {
  EXPECT_EQ("8388608", column(lv_name(image_), "lv_size"));
  for (unsigned step = 0; step < 8; ++step) {
    write(origin_, step * 4 * kMiB, 4 * kMiB, 20 + step);
    tend();
  }
  EXPECT_FALSE(store_->find_snapshot(image_)->lost);
  const Uuid restored = fresh();
  ASSERT_EQ("", copy(restored, kLargeSize, snapshot_of(image_)));
  EXPECT_TRUE(holds(restored, 0, 4 * kMiB, 1));
  EXPECT_TRUE(is_zero(restored, 4 * kMiB, kLargeSize - 4 * kMiB));
}

TEST_F(ClassicSnapshotTest, IsLostWhereNobodyLooksInTimeAndCanOnlyBeDeleted) {
  for (unsigned step = 0; step < 4; ++step) write(origin_, step * 4 * kMiB, 4 * kMiB, 20 + step);
  auto refused = store_->prepare_volume(fresh(), kLargeSize, snapshot_of(image_));
  ASSERT_EQ(ErrorCode::conflict, code_of(refused));
  EXPECT_EQ("source", refused.error().field);
  tend();
  EXPECT_NE(std::string::npos, column(lv_name(image_), "lv_tags").find("vbs.lost"));
  reopen();
  EXPECT_TRUE(store_->find_snapshot(image_)->lost);
  EXPECT_TRUE(store_->list()->snapshots.front().lost);
  EXPECT_EQ(ErrorCode::conflict, code_of(store_->source_size(snapshot_of(image_))));
  EXPECT_TRUE(holds(origin_, 0, 4 * kMiB, 20)) << "the volume is as it was written";
  EXPECT_EQ("", remove(snapshot_of(image_)));
  EXPECT_EQ("", remove(volume(origin_)));
}

TEST_F(LvmTest, TheTagsOfAnObjectSayWhatItIs) {
  const Uuid id = fresh();
  const Uuid image = fresh();
  ASSERT_EQ("", create(id, kLargeSize));
  ASSERT_EQ("", snapshot(image, id));
  EXPECT_EQ("vbs.size=33554432,vbs.volume=" + id.str(), column(lv_name(id), "lv_tags"));
  EXPECT_EQ("vbs.of=" + id.str() + ",vbs.size=33554432,vbs.snapshot=" + image.str(),
            column(lv_name(image), "lv_tags"));
}

TEST_F(LvmTest, ASnapshotThatIsNotLinkedToItsVolumeIsNone) {
  if (target().driver != "lvm") GTEST_SKIP() << "thin snapshots are made in one commit";
  const Uuid id = fresh();
  const Uuid image = fresh();
  ASSERT_EQ("", create(id, kLargeSize));
  // As lvcreate leaves it when it is killed between its two commits.
  ASSERT_TRUE(tool("lvcreate", {"--yes", "-Wn", "-L8M", "--addtag", "vbs.snapshot=" + image.str(),
                                "--addtag", "vbs.of=" + id.str(), "--addtag", "vbs.size=33554432",
                                "-n", lv_name(image), "--", target().group}));
  reopen();
  EXPECT_FALSE(has(snapshot_of(image)));
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->find_snapshot(image)));
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->source_size(snapshot_of(image))));
  tend();
  EXPECT_EQ("", snapshot(image, id)) << "and the next order makes it";
}

TEST_F(LvmTest, VolumesGetTheirDevicesBackAfterAStartOfTheMachine) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kLargeSize));
  write(id, 0, kMiB, 3);
  close();
  ASSERT_TRUE(tool("lvchange", {"--activate", "n", "--", path(lv_name(id))}));
  reopen();
  tend();
  EXPECT_TRUE(holds(id, 0, kMiB, 3));
}

TEST_F(LvmTest, AWipeGoesOnWhereItWas) {
  if (target().driver != "lvm") GTEST_SKIP() << "nothing is wiped";
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kLargeSize));
  write(id, 0, kLargeSize / 2, 3);
  close();
  const std::string lv = path(lv_name(id));
  ASSERT_TRUE(tool("lvchange", {"--addtag", "vbs.stage=deleting", "--addtag",
                                "vbs.progress=" + std::to_string(kLargeSize / 4), "--", lv}));
  // Where the wipe is said to have been already it leaves the bytes; they are seen by stopping
  // before the LV goes.
  ASSERT_TRUE(killed_at("volumed.wipe.after_act", {"remove", id.str(), "volume"}));
  ASSERT_TRUE(tool("lvchange", {"--deltag", "vbs.stage=deleting", "--deltag",
                                "vbs.progress=" + std::to_string(kLargeSize / 4), "--", lv}));
  reopen();
  EXPECT_FALSE(is_zero(id, 0, kLargeSize / 4));
  EXPECT_TRUE(is_zero(id, kLargeSize / 4, kLargeSize - kLargeSize / 4));
}

TEST_F(LvmTest, WipingKeepsToItsRate) {
  if (target().driver != "lvm") GTEST_SKIP() << "nothing is wiped";
  if (target().wipe_rate > 64 * kMiB) GTEST_SKIP() << "VBS_CONFORMANCE_WIPE_RATE is too high";
  const auto began = std::chrono::steady_clock::now();
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, 4 * kLargeSize));
  const auto took = std::chrono::steady_clock::now() - began;
  const double least =
      static_cast<double>(4 * kLargeSize - 4 * kMiB) / static_cast<double>(target().wipe_rate);
  EXPECT_GE(std::chrono::duration<double>(took).count(), least);
}

class ImageTest : public LvmTest {
 protected:
  void SetUp() override {
    LvmTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_TRUE(tool("lvcreate", {"--yes", "-Wn", "-L16M", "-n", "base", "--", target().group}));
    ASSERT_TRUE(tool(
        "dd", {"if=/dev/urandom", "of=/dev/" + path("base"), "bs=1M", "count=4", "oflag=direct"}));
  }
  void TearDown() override {
    LvmTest::TearDown();
    if (target().is_lvm()) tool("lvremove", {"--force", "--", path("base")});
  }
  void offer() {
    ASSERT_TRUE(tool("lvchange", {"--activate", "n", "--", path("base")}));
    ASSERT_TRUE(tool("lvchange", {"--permission", "r", "--addtag", "vbs.image=" + image_.str(),
                                  "--", path("base")}));
  }
  const Uuid image_ = fresh();
};

TEST_F(ImageTest, VolumesAreMadeOverAnImageThatAnOperatorOffers) {
  const std::string before = tool("md5sum", {"/dev/" + path("base")}).value_or("").substr(0, 32);
  offer();
  const ObjectRef source{ObjectKind::image, image_};
  const Uuid one = fresh();
  const Uuid larger = fresh();
  ASSERT_EQ("", copy(one, 16 * kMiB, source));
  ASSERT_EQ("", copy(larger, kLargeSize, source));
  EXPECT_EQ(before, tool("md5sum", {store_->device(one)}).value_or("").substr(0, 32));
  EXPECT_TRUE(is_zero(larger, 4 * kMiB, kLargeSize - 4 * kMiB));
  write(one, 0, 16 * kMiB, 4);
  EXPECT_TRUE(holds(one, 0, 16 * kMiB, 4));
  EXPECT_FALSE(is_zero(larger, 0, kMiB)) << "what is written to one is its own";
  EXPECT_EQ(source, store_->find_volume(one)->source);
  const auto listing = store_->list();
  EXPECT_TRUE(listing->foreign.empty()) << listing->foreign.front();
  ASSERT_EQ(1u, listing->images.size());
  EXPECT_EQ(image_, listing->images.front().id);
  EXPECT_EQ("", remove(volume(one)));
  EXPECT_EQ("", remove(volume(larger)));
  EXPECT_EQ("16777216", column("base", "lv_size")) << "the image stays";
}

TEST_F(ImageTest, AnImageThatCanBeWrittenToIsRefused) {
  ASSERT_TRUE(tool("lvchange", {"--addtag", "vbs.image=" + image_.str(), "--", path("base")}));
  auto refused = store_->prepare_volume(fresh(), 16 * kMiB, {ObjectKind::image, image_});
  ASSERT_EQ(ErrorCode::conflict, code_of(refused));
  EXPECT_NE(std::string::npos, refused.error().message.find("written"));
}

class ThinTest : public LvmTest {
 protected:
  void SetUp() override {
    if (target().driver != "lvm-thin") GTEST_SKIP() << "thin pools only";
    LvmTest::SetUp();
  }
};

TEST_F(ThinTest, APoolThatFillsIsWarnedOfAndThenTakesNothingNew) {
  const Uuid id = fresh();
  const std::uint64_t capacity = store_->space()->capacity_bytes;
  const std::uint64_t size = capacity / kMiB * kMiB;
  ASSERT_EQ("", create(id, size)) << "the whole promise";
  EXPECT_EQ(ErrorCode::insufficient_space, code_of(store_->prepare_empty(fresh(), kMiB)));
  const std::uint64_t step = 16 * kMiB;
  for (std::uint64_t at = 0; at + step <= size * 9 / 10; at += step) write(id, at, step, 3);
  tend();
  EXPECT_NE(std::string::npos, store_->warning().find("data space")) << store_->warning();
  for (std::uint64_t at = size * 9 / 10 / step * step; at + step <= size; at += step) {
    write(id, at, step, 3);
  }
  EXPECT_TRUE(holds(id, 0, step, 3)) << "and what was promised can be written to the end";
  EXPECT_EQ("", remove(volume(id)));
  tend();
  EXPECT_EQ("", store_->warning());
  EXPECT_EQ("", create(fresh(), kLargeSize)) << "what was given back can be used";
}

TEST_F(ThinTest, APoolThatDoesNotZeroIsRefused) {
  close();
  ASSERT_TRUE(tool("lvchange", {"--zero", "n", "--", path(target().pool)}));
  auto refused = volume_delegate::make_store(target().settings(), clock_);
  ASSERT_TRUE(tool("lvchange", {"--zero", "y", "--", path(target().pool)}));
  ASSERT_FALSE(refused);
  EXPECT_NE(std::string::npos, refused.error().message.find("old bytes"));
}

TEST_F(ThinTest, AGroupServesOneDriver) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kLargeSize));
  auto other = target();
  other.driver = "lvm";
  auto refused = volume_delegate::make_store(other.settings(), clock_);
  EXPECT_EQ(ErrorCode::conflict, code_of(refused));
  other = target();
  other.pool = "another";
  EXPECT_EQ(ErrorCode::conflict, code_of(volume_delegate::make_store(other.settings(), clock_)));
}

}  // namespace
}  // namespace vbs::conformance
