// Images that an operator offers in a volume group, and the volumes that both LVM stores make of
// them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/volume_delegate/lvm_support.h"
#include "tests/unit/volume_delegate/store_support.h"
#include "volume_delegate/store/lvm/lvm_store.h"
#include "volume_delegate/store/lvm/lvm_thin_store.h"

namespace vbs::volume_delegate {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::failed_with;
using testing::file_bytes;
using testing::id;
using ::testing::IsEmpty;
using testing::names_of;
using ::testing::Not;
using testing::ScriptedLvm;
using testing::trouble;
using testing::write_at;

constexpr std::uint64_t kImageSize = 8 * kMiB;
const ObjectRef kImage{ObjectKind::image, id(9)};

class LvmImagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    LogicalVolume base;
    base.name = "base";
    base.size_bytes = kImageSize;
    base.tags = {"vbs.image=" + id(9).str(), "vbs.image_name=debian-12"};
    base.read_only = true;
    lvm_.put(base);
  }
  void open_thick() {
    LvmThickOptions options;
    options.lvm = {"vg", {}, 0, kTiB, kTiB};
    auto opened = LvmStore::open(options, lvm_.group(clock_), clock_);
    ASSERT_EQ("", trouble(opened));
    store_ = std::move(*opened);
  }
  void open_thin() {
    LogicalVolume pool;
    pool.name = "pool";
    pool.segment_type = "thin-pool";
    pool.size_bytes = kGiB;
    pool.metadata_bytes = 8 * kMiB;
    pool.chunk_bytes = 64 * kKiB;
    pool.zeroes = true;
    pool.data_percent = pool.metadata_percent = 10;
    lvm_.put(pool);
    LvmThinOptions options;
    options.lvm.group = "vg";
    options.pool.name = "pool";
    auto opened = LvmThinStore::open(options, lvm_.group(clock_), clock_);
    ASSERT_EQ("", trouble(opened));
    store_ = std::move(*opened);
  }
  void edit(const std::function<void(LogicalVolume&)>& how) { lvm_.change("base", how); }
  std::string make(unsigned number, std::uint64_t size = kImageSize) {
    auto copy = store_->prepare_volume(id(number), size, kImage);
    return copy ? trouble((*copy)->run(control_)) : trouble(copy);
  }

  testing::ManualClock clock_;
  ScriptedLvm lvm_;
  std::unique_ptr<BackingStore> store_;
  CopyControl control_;
};

TEST_F(LvmImagesTest, AreListedWithNameAndSize) {
  open_thick();
  const auto listing = store_->list();
  ASSERT_EQ(1u, listing->images.size());
  EXPECT_EQ(id(9), listing->images[0].id);
  EXPECT_EQ("debian-12", listing->images[0].name);
  EXPECT_EQ(kImageSize, listing->images[0].size_bytes);
  EXPECT_THAT(listing->foreign, IsEmpty());
}

TEST_F(LvmImagesTest, WithABrokenTagAreForeign) {
  open_thick();
  edit([](LogicalVolume& lv) { lv.tags.emplace_back("vbs.image_nam=x"); });
  EXPECT_THAT(store_->list()->images, IsEmpty());
  EXPECT_THAT(store_->list()->foreign, ElementsAre("vg/base"));
  EXPECT_TRUE(failed_with(store_->source_size(kImage), ErrorCode::not_found));
}

TEST_F(LvmImagesTest, AVolumeOfVbsIsNone) {
  open_thick();
  LvRecord volume;
  volume.object = {ObjectKind::volume, id(1)};
  volume.size_bytes = kImageSize;
  lvm_.put(volume);
  const ObjectRef tagged{ObjectKind::image, id(8)};
  lvm_.change(lv_name(id(1)), [&](LogicalVolume& lv) {
    lv.tags.push_back("vbs.image=" + tagged.id.str());
    lv.read_only = true;
  });
  EXPECT_EQ(1u, store_->list()->volumes.size());
  EXPECT_EQ(1u, store_->list()->images.size());
  EXPECT_TRUE(failed_with(store_->source_size(tagged), ErrorCode::not_found));
}

TEST_F(LvmImagesTest, ThatCanBeWrittenToOrAreTwoAreRefused) {
  open_thick();
  edit([](LogicalVolume& lv) { lv.read_only = false; });
  EXPECT_TRUE(failed_with(store_->prepare_volume(id(1), kImageSize, kImage), ErrorCode::conflict,
                          "lvchange --permission r"));
  edit([](LogicalVolume& lv) { lv.read_only = true; });
  LogicalVolume twin = lvm_.row("base");
  twin.name = "twin";
  lvm_.put(twin);
  EXPECT_TRUE(failed_with(store_->prepare_volume(id(1), kImageSize, kImage), ErrorCode::conflict,
                          "LV base and LV twin"));
  EXPECT_THAT(lvm_.changes(), IsEmpty());
}

TEST_F(LvmImagesTest, AreCopiedToThickVolumes) {
  open_thick();
  write_at(lvm_.device("base"), 0, std::string(kImageSize, 'i'));
  ASSERT_EQ("", make(1, kImageSize + 4 * kMiB));
  EXPECT_EQ(std::string(kImageSize, 'i') + std::string(4 * kMiB, '\0'),
            file_bytes(lvm_.device(lv_name(id(1)))));
  EXPECT_EQ(kImage, store_->find_volume(id(1))->source);
  EXPECT_THAT(make(2, kImageSize - 4 * kMiB), ::testing::HasSubstr("size_bytes"));
}

TEST_F(LvmImagesTest, LieUnderThinVolumes) {
  open_thin();
  ASSERT_EQ("", make(1));
  const auto calls = lvm_.changes();
  ASSERT_THAT(names_of(calls), ElementsAre("lvcreate"));
  EXPECT_THAT(calls[0], Contains("vg/pool"));
  EXPECT_EQ("vg/base", calls[0].back());
  EXPECT_EQ(kImage, store_->find_volume(id(1))->source);
  EXPECT_THAT(store_->list()->foreign, IsEmpty());
  EXPECT_TRUE(store_->remove_volume(id(1))->gone);
  EXPECT_TRUE(lvm_.has("base"));
}

TEST_F(LvmImagesTest, AreNotPutUnderThinVolumesWhileActive) {
  open_thin();
  edit([](LogicalVolume& lv) { lv.active = true; });
  EXPECT_TRUE(failed_with(store_->prepare_volume(id(1), kImageSize, kImage), ErrorCode::conflict,
                          "lvchange --activate n"));
}

TEST_F(LvmImagesTest, InThePoolItselfShareItsBlocks) {
  open_thin();
  edit([](LogicalVolume& lv) {
    lv.pool = "pool";
    lv.active = true;
  });
  ASSERT_EQ("", make(1));
  EXPECT_THAT(lvm_.changes().front(), Not(Contains("--thinpool")));
}

}  // namespace
}  // namespace vbs::volume_delegate
