#include "db/volume_table.h"

#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class VolumeTableTest : public DatabaseTest {
 protected:
  std::vector<std::int64_t> list(const VolumeFilter& filter) {
    return read([&](Connection& connection) {
      std::vector<std::int64_t> seqs;
      for (const auto& volume : VolumeTable(connection).list(filter)) seqs.push_back(volume.seq);
      return seqs;
    });
  }
  std::optional<Volume> find(const Uuid& id) {
    return read([&](Connection& connection) { return VolumeTable(connection).find(id); });
  }
};

TEST_F(VolumeTableTest, KeepsEveryMember) {
  Volume source = test_volume(1);
  add(source);
  Volume volume = test_volume(2);
  volume.name = "data";
  volume.state = VolumeState::error;
  volume.reason = "creation has not finished";
  volume.source_kind = "volume";
  volume.source = source.id;
  volume.tags = R"({"tier":"gold"})";
  volume.updated_at = after_seconds(5);
  add(volume, {{"tier", "gold"}});

  auto found = find(volume.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->seq, 2);
  EXPECT_EQ(found->id, volume.id);
  EXPECT_EQ(found->project, "p1");
  EXPECT_EQ(found->name, "data");
  EXPECT_EQ(found->size_bytes, 64U << 20);
  EXPECT_EQ(found->node, "vs1");
  EXPECT_EQ(found->state, VolumeState::error);
  EXPECT_EQ(found->reason, volume.reason);
  EXPECT_EQ(found->source_kind, "volume");
  EXPECT_EQ(found->source, source.id);
  EXPECT_EQ(found->tags, volume.tags);
  EXPECT_EQ(found->created_at, kNow);
  EXPECT_EQ(found->updated_at, after_seconds(5));
  EXPECT_FALSE(find(test_id(3)));
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(VolumeTableTest, KeepsTheImageThatItWasMadeFrom) {
  Volume volume = test_volume(1);
  volume.source_kind = "image";
  volume.source = test_id(9);
  add(volume);
  const auto found = find(volume.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source_kind, "image");
  EXPECT_EQ(found->source, test_id(9));
  EXPECT_THAT(violated(), IsEmpty()) << "an image is no row";
}

TEST_F(VolumeTableTest, ATakenNameIsRefusedWithinItsProjectOnly) {
  Volume first = test_volume(1);
  first.name = "data";
  add(first);
  Volume other_project = test_volume(2, "p2");
  other_project.name = "data";
  add(other_project);
  Volume second = test_volume(3);
  second.name = "data";
  bool inserted = true;
  must([&](Transaction& tx) -> Result<void> {
    inserted = VolumeTable(tx.connection()).insert(second, {});
    return {};
  });
  EXPECT_FALSE(inserted);
  EXPECT_EQ(second.seq, 0);

  must([&](Transaction& tx) { return volume_deleted(tx, first.id, kNow); });
  add(second);
  EXPECT_GT(second.seq, 0);
  auto found = read([](Connection& c) { return VolumeTable(c).find_by_name("p1", "data"); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, second.id);
}

TEST_F(VolumeTableTest, ATakenIdIsAnErrorNotATakenName) {
  Volume first = test_volume(1);
  add(first);
  auto again = write([](Transaction& tx) -> Result<void> {
    Volume copy = test_volume(1);
    EXPECT_TRUE(VolumeTable(tx.connection()).insert(copy, {}));
    return {};
  });
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::internal);
}

TEST_F(VolumeTableTest, RefusesRowsThatTheSchemaForbids) {
  struct Case {
    const char* what;
    std::function<void(Volume&)> spoil;
  };
  const Case cases[] = {
      {"a size that is not whole MiB", [](Volume& v) { v.size_bytes = 1000; }},
      {"no size", [](Volume& v) { v.size_bytes = 0; }},
      {"a source without a kind", [](Volume& v) { v.source = test_id(9); }},
      {"a kind without a source", [](Volume& v) { v.source_kind = "volume"; }},
      {"an image without an id", [](Volume& v) { v.source_kind = "image"; }},
      {"an unknown kind",
       [](Volume& v) {
         v.source_kind = "tape";
         v.source = test_id(9);
       }},
      {"no id", [](Volume& v) { v.id = Uuid{}; }},
  };
  for (const auto& one : cases) {
    auto refused = write([&](Transaction& tx) -> Result<void> {
      Volume volume = test_volume(1);
      one.spoil(volume);
      VolumeTable(tx.connection()).insert(volume, {});
      return {};
    });
    EXPECT_FALSE(refused) << one.what;
  }
}

TEST_F(VolumeTableTest, ListsFilterAndPage) {
  for (unsigned n = 1; n <= 6; ++n) {
    Volume volume = test_volume(n, n <= 4 ? "p1" : "p2");
    if (n % 2 == 0) volume.node = "vs2";
    if (n == 3) volume.name = "data";
    if (n == 6) volume.name = "data";
    std::map<std::string, std::string> tags;
    if (n == 2 || n == 5) tags["tier"] = "gold";
    if (n == 4) tags["tier"] = "tin";
    add(volume, tags);
  }
  must([](Transaction& tx) { return volume_error(tx, test_id(2), "lost", kNow); });
  must([](Transaction& tx) { return volume_deleted(tx, test_id(1), kNow); });

  VolumeFilter filter;
  EXPECT_THAT(list(filter), ElementsAre(2, 3, 4, 5, 6));
  filter.after_seq = 3;
  filter.limit = 2;
  EXPECT_THAT(list(filter), ElementsAre(4, 5));
  filter = {};
  filter.project = "p1";
  EXPECT_THAT(list(filter), ElementsAre(2, 3, 4));
  filter.node = "vs2";
  EXPECT_THAT(list(filter), ElementsAre(2, 4));
  filter.state = VolumeState::error;
  EXPECT_THAT(list(filter), ElementsAre(2));
  filter = {};
  filter.name = "data";
  EXPECT_THAT(list(filter), ElementsAre(3, 6));
  filter.project = "p2";
  EXPECT_THAT(list(filter), ElementsAre(6));
  filter = {};
  filter.tag = {"tier", "gold"};
  EXPECT_THAT(list(filter), ElementsAre(2, 5));
  filter.project = "p2";
  EXPECT_THAT(list(filter), ElementsAre(5));
  filter.after_seq = 5;
  EXPECT_THAT(list(filter), IsEmpty());
  filter = {};
  filter.ids = {test_id(6), test_id(1), test_id(3), test_id(99)};
  EXPECT_THAT(list(filter), ElementsAre(3, 6));
  filter.tag = {"tier", "tin"};
  EXPECT_THAT(list(filter), IsEmpty());
}

TEST_F(VolumeTableTest, ListsVolumesOfAVirtualMachine) {
  for (unsigned n = 1; n <= 3; ++n) {
    Volume volume = test_volume(n);
    add(volume);
  }
  Attachment open = test_attachment(11, test_id(3), "/dev/sdb");
  add(open);
  Attachment closed = test_attachment(12, test_id(1), "/dev/sdc");
  add(closed);
  must([&](Transaction& tx) { return attachment_closed(tx, closed.id, "detached", kNow); });

  VolumeFilter filter;
  filter.vm = "vm1";
  EXPECT_THAT(list(filter), ElementsAre(3));
  filter.vm = "vm2";
  EXPECT_THAT(list(filter), IsEmpty());
  filter.vm = "vm1";
  filter.ids = {test_id(1), test_id(3)};
  EXPECT_THAT(list(filter), ElementsAre(3));
}

TEST_F(VolumeTableTest, ListsByPrefixWithinAProject) {
  for (unsigned n : {0x1aU, 0x1bU, 0x2aU}) {
    Volume volume = test_volume(n);
    add(volume);
  }
  Volume foreign = test_volume(0x1c, "p2");
  add(foreign);
  const std::string common = "01900000-0000-7000-8000-0000000000";
  VolumeFilter filter;
  filter.project = "p1";
  filter.id_prefix = common + "1";
  EXPECT_THAT(list(filter), ElementsAre(1, 2));
  filter.limit = 1;
  EXPECT_THAT(list(filter), ElementsAre(1));
  filter.after_seq = 1;
  EXPECT_THAT(list(filter), ElementsAre(2));
  filter = {};
  filter.id_prefix = common + "1";
  EXPECT_THAT(list(filter), ElementsAre(1, 2, 4));
  filter.id_prefix = "0190";
  EXPECT_THAT(list(filter), ElementsAre(1, 2, 3, 4));
  filter.project = "p1";
  EXPECT_THAT(list(filter), ElementsAre(1, 2, 3));
  filter.id_prefix = "f000";
  EXPECT_THAT(list(filter), IsEmpty());
  must([](Transaction& tx) { return volume_deleted(tx, test_id(0x1a), kNow); });
  filter.id_prefix = common + "1";
  EXPECT_THAT(list(filter), ElementsAre(2));
}

TEST_F(VolumeTableTest, AStateLeavesOutWhatShowsAPassingOne) {
  for (unsigned n : {1U, 2U, 3U}) {
    Volume volume = test_volume(n);
    add(volume);
  }
  Operation removing = test_operation(21, "delete-volume");
  add(removing, {{volume_resource(test_id(1))}});
  Operation copying = test_operation(22, "create-volume");
  add(copying, {{volume_resource(test_id(2)), LockMode::shared}});
  Operation imaging = test_operation(23, "create-snapshot");
  add(imaging, {{volume_resource(test_id(3))}});
  VolumeFilter filter;
  filter.passing_kinds = {"create-volume", "delete-volume"};
  EXPECT_THAT(list(filter), ElementsAre(1, 2, 3));
  filter.state = VolumeState::available;
  EXPECT_THAT(list(filter), ElementsAre(2, 3));
  filter.project = "p1";
  EXPECT_THAT(list(filter), ElementsAre(2, 3));
}

TEST_F(VolumeTableTest, TagsOfOneProjectAndOfAll) {
  Volume mine = test_volume(1);
  Volume theirs = test_volume(2, "p2");
  add(mine, {{"tier", "gold"}});
  add(theirs, {{"tier", "gold"}});
  VolumeFilter filter;
  filter.tag = {"tier", "gold"};
  EXPECT_THAT(list(filter), ElementsAre(1, 2));
  filter.project = "p2";
  EXPECT_THAT(list(filter), ElementsAre(2));
}

TEST_F(VolumeTableTest, ListsANodeForTheReconciler) {
  Volume here = test_volume(1);
  Volume gone = test_volume(2);
  Volume there = test_volume(3);
  there.node = "vs2";
  add(here);
  add(gone);
  add(there);
  must([&](Transaction& tx) { return volume_deleted(tx, gone.id, kNow); });
  auto volumes = read([](Connection& c) { return VolumeTable(c).on_node("vs1"); });
  ASSERT_EQ(volumes.size(), 1U);
  EXPECT_EQ(volumes[0].id, here.id);
  const auto seq_of = [&](const Uuid& id, const std::optional<std::string>& project) {
    return read([&](Connection& c) { return VolumeTable(c).seq_of(id, project); });
  };
  EXPECT_EQ(seq_of(there.id, std::nullopt), there.seq);
  EXPECT_EQ(seq_of(there.id, "p1"), there.seq);
  EXPECT_EQ(seq_of(there.id, "p2"), std::nullopt);
  EXPECT_EQ(seq_of(test_id(9), std::nullopt), std::nullopt);
}

TEST(VolumeState, TextsMatchTheSchema) {
  for (auto state :
       {VolumeState::available, VolumeState::in_use, VolumeState::error, VolumeState::deleted}) {
    EXPECT_EQ(volume_state_from(to_string(state)), state);
  }
  EXPECT_EQ(to_string(VolumeState::in_use), "in-use");
  EXPECT_EQ(volume_state_from("creating"), std::nullopt);
}

}  // namespace
}  // namespace vbs::db::testing
