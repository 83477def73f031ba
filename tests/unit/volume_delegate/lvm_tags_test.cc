#include "volume_delegate/store/lvm/lvm_tags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using ::testing::ElementsAre;
using testing::id;

LogicalVolume lv(const Uuid& of, std::vector<std::string> tags) {
  LogicalVolume out;
  out.name = lv_name(of);
  out.tags = std::move(tags);
  return out;
}

LvRecord full_record() {
  LvRecord record;
  record.object = {ObjectKind::volume, id(1)};
  record.size_bytes = 7 << 20;
  record.source = ObjectRef{ObjectKind::snapshot, id(2)};
  record.stage = LvStage::growing;
  record.progress_bytes = 4096;
  record.grow_to_bytes = 9 << 20;
  record.onto = "0123456789abcdef";
  return record;
}

TEST(LvmTags, ComeBackAsTheyWereWritten) {
  const auto written = full_record();
  const auto read = read_record(lv(id(1), tags_of(written)));
  ASSERT_TRUE(read);
  EXPECT_EQ(written.object, read->object);
  EXPECT_EQ(written.size_bytes, read->size_bytes);
  EXPECT_EQ(written.source, read->source);
  EXPECT_EQ(written.stage, read->stage);
  EXPECT_EQ(written.progress_bytes, read->progress_bytes);
  EXPECT_EQ(written.grow_to_bytes, read->grow_to_bytes);
  EXPECT_EQ(written.onto, read->onto);
  EXPECT_TRUE(read->usable());
}

TEST(LvmTags, OfASnapshotSayOfWhichVolumeItIs) {
  LvRecord record;
  record.object = {ObjectKind::snapshot, id(1)};
  record.size_bytes = 1 << 20;
  record.lost = true;
  EXPECT_FALSE(read_record(lv(id(1), tags_of(record)))) << "it does not say";
  record.of = id(2);
  EXPECT_THAT(tags_of(record), ElementsAre("vbs.snapshot=" + id(1).str(), "vbs.size=1048576",
                                           "vbs.of=" + id(2).str(), "vbs.lost"));
  const auto read = read_record(lv(id(1), tags_of(record)));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->lost);
  EXPECT_EQ(id(2), read->of);
}

TEST(LvmTags, ThatAreNotUnderstoodMakeAnLvForeign) {
  const auto tags = tags_of(full_record());
  EXPECT_TRUE(read_record(lv(id(1), tags)));
  const auto with = [&](const std::string& tag) {
    auto more = tags;
    more.push_back(tag);
    return read_record(lv(id(1), more)).has_value();
  };
  EXPECT_TRUE(with("backup")) << "an operator's own";
  EXPECT_TRUE(with("vbs.image=" + id(9).str()));
  EXPECT_TRUE(with("vbs.image_name=base"));
  for (const char* bad : {"vbs.stage=melting", "vbs.size=12k", "vbs.size=", "vbs.volume=x",
                          "vbs.unheard-of=1", "vbs.source=volume", "vbs.progress=-1"}) {
    EXPECT_FALSE(with(bad)) << bad;
  }
  EXPECT_FALSE(read_record(lv(id(3), tags))) << "tags under another name are not its own";
  EXPECT_FALSE(read_record(lv(id(1), {}))) << "a name alone is no proof";
}

TEST(LvmTags, ChangeInOneStep) {
  LvRecord before = full_record();
  LvRecord after = before;
  after.stage = LvStage::deleting;
  after.progress_bytes = 0;
  after.grow_to_bytes = 0;
  after.onto.clear();
  const auto change = change_of(before, after);
  EXPECT_THAT(change.remove, ElementsAre("vbs.stage=growing", "vbs.progress=4096",
                                         "vbs.grow-to=9437184", "vbs.onto=0123456789abcdef"));
  EXPECT_THAT(change.add, ElementsAre("vbs.stage=deleting"));
  EXPECT_TRUE(after.on_its_way_out());
  EXPECT_FALSE(after.usable());
}

TEST(LvmTags, OfRoomThatAVolumeGrowsByAreNoObjects) {
  const GrowthRecord written{id(1), 9 << 20, false, 4096};
  LogicalVolume room = lv(id(1), tags_of(written));
  EXPECT_FALSE(read_growth(room)) << "under another name than its own";
  room.name = growth_name(id(1));
  const auto read = read_growth(room);
  ASSERT_TRUE(read);
  EXPECT_EQ(written.volume, read->volume);
  EXPECT_EQ(written.size_bytes, read->size_bytes);
  EXPECT_EQ(written.progress_bytes, read->progress_bytes);
  EXPECT_FALSE(read->zeroed);
  EXPECT_FALSE(read_record(room)) << "nobody may take it for a volume";
  const auto change = change_of(written, GrowthRecord{id(1), 9 << 20, true, 0});
  EXPECT_THAT(change.remove, ElementsAre("vbs.stage=zeroing", "vbs.progress=4096"));
  EXPECT_THAT(change.add, ElementsAre("vbs.stage=zeroed"));
  for (const char* bad : {"vbs.stage=growing", "vbs.size=", "vbs.volume=x"}) {
    auto other = room;
    other.tags.emplace_back(bad);
    EXPECT_FALSE(read_growth(other)) << bad;
  }
}

TEST(LvmTags, AnOperatorOffersImages) {
  const std::string image = "vbs.image=" + id(5).str();
  const auto plain = read_offer(lv(id(1), {"x", image}));
  ASSERT_TRUE(plain);
  EXPECT_EQ(id(5), plain->id);
  EXPECT_EQ("", plain->name);
  const auto named = read_offer(lv(id(1), {"vbs.image_name=debian-12", image}));
  ASSERT_TRUE(named);
  EXPECT_EQ("debian-12", named->name);
}

TEST(LvmTags, ThatAreNotUnderstoodOrOfVbsOfferNoImage) {
  const std::string image = "vbs.image=" + id(5).str();
  const std::vector<std::vector<std::string>> none = {
      {},
      {"vbs.image=golden"},
      {"vbs.image="},
      {"vbs.image_name=golden"},
      {image, "vbs.image=" + id(6).str()},
      {image, "vbs.image_name=."},
      {image, "vbs.image_name=a/b"},
      {image, "vbs.image_name=" + id(6).str()},
      {image, "vbs.image_name=a", "vbs.image_name=b"},
      {image, "vbs.unheard-of=1"},
  };
  for (const auto& tags : none)
    EXPECT_FALSE(read_offer(lv(id(1), tags))) << ::testing::PrintToString(tags);
  LogicalVolume snapshot = lv(id(1), {image});
  snapshot.origin = "base";
  EXPECT_FALSE(read_offer(snapshot)) << "its size is that of its room";
  snapshot.pool = "pool";
  EXPECT_TRUE(read_offer(snapshot));
  auto ours = tags_of(full_record());
  ours.push_back(image);
  EXPECT_FALSE(read_offer(lv(id(1), ours)));
  EXPECT_TRUE(read_record(lv(id(1), ours))) << "it stays what it is";
}

}  // namespace
}  // namespace vbs::volume_delegate
