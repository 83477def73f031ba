#include "db/snapshot_table.h"

#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SnapshotTableTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    for (unsigned n : {1U, 2U}) {
      Volume volume = test_volume(n);
      add(volume);
    }
  }
  std::vector<std::int64_t> list(const SnapshotFilter& filter) {
    return read([&](Connection& connection) {
      std::vector<std::int64_t> seqs;
      for (const auto& one : SnapshotTable(connection).list(filter)) seqs.push_back(one.seq);
      return seqs;
    });
  }
  std::optional<Snapshot> find(const Uuid& id) {
    return read([&](Connection& connection) { return SnapshotTable(connection).find(id); });
  }
};

TEST_F(SnapshotTableTest, KeepsEveryMember) {
  Snapshot snapshot = test_snapshot(11, test_id(1));
  snapshot.name = "before upgrade";
  snapshot.state = SnapshotState::error;
  snapshot.reason = "not finished";
  snapshot.tags = R"({"a":"b"})";
  snapshot.updated_at = after_seconds(3);
  add(snapshot, {{"a", "b"}});
  must([](Transaction& tx) -> Result<void> {
    SnapshotTable(tx.connection()).set_consistency(test_id(11), "crash");
    return {};
  });
  auto found = find(snapshot.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->seq, snapshot.seq);
  EXPECT_EQ(found->name, "before upgrade");
  EXPECT_EQ(found->volume, test_id(1));
  EXPECT_EQ(found->size_bytes, snapshot.size_bytes);
  EXPECT_EQ(found->node, "vs1");
  EXPECT_EQ(found->state, SnapshotState::error);
  EXPECT_EQ(found->reason, "not finished");
  EXPECT_EQ(found->consistency, "crash");
  EXPECT_EQ(found->tags, snapshot.tags);
  EXPECT_EQ(found->created_at, kNow);
  EXPECT_EQ(found->updated_at, after_seconds(3));
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(SnapshotTableTest, NamesAreUniqueAmongLiveRows) {
  Snapshot first = test_snapshot(11, test_id(1));
  first.name = "s";
  add(first);
  Snapshot second = test_snapshot(12, test_id(2));
  second.name = "s";
  must([&](Transaction& tx) -> Result<void> {
    EXPECT_FALSE(SnapshotTable(tx.connection()).insert(second, {}));
    return {};
  });
  must([&](Transaction& tx) { return snapshot_deleted(tx, first.id, kNow); });
  add(second);
  auto found = read([](Connection& c) { return SnapshotTable(c).find_by_name("p1", "s"); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, second.id);
}

TEST_F(SnapshotTableTest, ListsFilterAndPage) {
  for (unsigned n = 1; n <= 6; ++n) {
    Snapshot snapshot = test_snapshot(10 + n, test_id(n % 2 + 1), n <= 4 ? "p1" : "p2");
    if (n == 2 || n == 5) snapshot.name = "nightly";
    if (n == 6) snapshot.node = "vs2";
    std::map<std::string, std::string> tags;
    if (n >= 4) tags["kept"] = "yes";
    add(snapshot, tags);
  }
  must([](Transaction& tx) { return snapshot_deleted(tx, test_id(11), kNow); });
  must([](Transaction& tx) { return snapshot_error(tx, test_id(13), "lost", kNow); });

  SnapshotFilter filter;
  EXPECT_THAT(list(filter), ElementsAre(2, 3, 4, 5, 6));
  filter.after_seq = 2;
  filter.limit = 2;
  EXPECT_THAT(list(filter), ElementsAre(3, 4));
  filter = {};
  filter.project = "p1";
  EXPECT_THAT(list(filter), ElementsAre(2, 3, 4));
  filter.state = SnapshotState::error;
  EXPECT_THAT(list(filter), ElementsAre(3));
  filter = {};
  filter.volume = test_id(1);
  EXPECT_THAT(list(filter), ElementsAre(2, 4, 6));
  filter.node = "vs2";
  EXPECT_THAT(list(filter), ElementsAre(6));
  filter = {};
  filter.node = "vs2";
  EXPECT_THAT(list(filter), ElementsAre(6));
  filter = {};
  filter.name = "nightly";
  EXPECT_THAT(list(filter), ElementsAre(2, 5));
  filter.project = "p2";
  EXPECT_THAT(list(filter), ElementsAre(5));
  filter = {};
  filter.tag = {"kept", "yes"};
  EXPECT_THAT(list(filter), ElementsAre(4, 5, 6));
  filter.after_seq = 5;
  EXPECT_THAT(list(filter), ElementsAre(6));
  filter = {};
  filter.ids = {test_id(16), test_id(12), test_id(11)};
  EXPECT_THAT(list(filter), ElementsAre(2, 6));
}

TEST_F(SnapshotTableTest, CountsAndFindsForItsCallers) {
  Snapshot kept = test_snapshot(0x11, test_id(1));
  Snapshot gone = test_snapshot(0x12, test_id(1));
  add(kept);
  add(gone);
  must([&](Transaction& tx) { return snapshot_deleted(tx, gone.id, kNow); });
  read([&](Connection& connection) {
    SnapshotTable table(connection);
    EXPECT_EQ(table.count_of_volume(test_id(1)), 1);
    EXPECT_EQ(table.count_of_volume(test_id(2)), 0);
    EXPECT_EQ(table.seq_of(gone.id, "p1"), gone.seq);
    EXPECT_EQ(table.seq_of(gone.id, "p2"), std::nullopt);
    EXPECT_EQ(table.seq_of(test_id(9), std::nullopt), std::nullopt);
    EXPECT_EQ(table.on_node("vs1").size(), 1U);
    EXPECT_EQ(table.on_node("vs2").size(), 0U);
    SnapshotFilter filter;
    filter.id_prefix = "01900000";
    EXPECT_EQ(table.list(filter).size(), 1U);
    filter.id_prefix = "0190";
    filter.project = "p1";
    EXPECT_EQ(table.list(filter).size(), 1U);
    filter.project = "p2";
    EXPECT_EQ(table.list(filter).size(), 0U);
    return 0;
  });
}

TEST(SnapshotState, TextsMatchTheSchema) {
  for (auto state : {SnapshotState::available, SnapshotState::error, SnapshotState::deleted}) {
    EXPECT_EQ(snapshot_state_from(to_string(state)), state);
  }
  EXPECT_EQ(snapshot_state_from("in-use"), std::nullopt);
}

}  // namespace
}  // namespace vbs::db::testing
