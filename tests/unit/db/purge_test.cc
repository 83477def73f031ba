#include "db/purge.h"

#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::IsEmpty;

/// A deleted volume with a deleted snapshot and a closed attachment, all gone since kNow.
class PurgeTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    Volume volume = test_volume(1);
    volume.tags = R"({"tier":"gold"})";
    add(volume, {{"tier", "gold"}});
    Attachment attachment = test_attachment(31, volume.id, "/dev/sdb");
    add(attachment);
    must([&](Transaction& tx) { return attachment_closed(tx, attachment.id, "detached", kNow); });
    Snapshot snapshot = test_snapshot(11, volume.id);
    add(snapshot);
  }
  void remove_snapshot() {
    must([](Transaction& tx) { return snapshot_deleted(tx, test_id(11), kNow); });
  }
  void remove_volume(unsigned n = 1) {
    must([n](Transaction& tx) { return volume_deleted(tx, test_id(n), kNow); });
  }
  int purge(int (*what)(Transaction&, const Purge&), std::int64_t before = 1,
            std::vector<std::string> unsettled = {}, int limit = 100) {
    int purged = 0;
    must([&](Transaction& tx) -> Result<void> {
      purged = what(tx, {after_seconds(before), std::move(unsettled), limit});
      return {};
    });
    EXPECT_THAT(violated(), IsEmpty());
    return purged;
  }
};

TEST_F(PurgeTest, ForgetsWhatIsGoneLongEnough) {
  remove_snapshot();
  remove_volume();
  EXPECT_EQ(purge(purge_closed_attachments, 0), 0);
  EXPECT_EQ(purge(purge_closed_attachments), 1);
  EXPECT_EQ(purge(purge_deleted_snapshots, 0), 0);
  EXPECT_EQ(purge(purge_deleted_snapshots), 1);
  EXPECT_EQ(purge(purge_deleted_volumes, 0), 0);
  EXPECT_EQ(purge(purge_deleted_volumes), 1);
  EXPECT_FALSE(read([](Connection& c) { return VolumeTable(c).find(test_id(1)); }));
}

TEST_F(PurgeTest, KeepsWhatOthersReferTo) {
  remove_volume();
  EXPECT_EQ(purge(purge_deleted_volumes), 0);  // its attachment's row
  EXPECT_EQ(purge(purge_closed_attachments), 1);
  EXPECT_EQ(purge(purge_deleted_volumes), 0);  // its snapshot
  Volume copy = test_volume(2);
  copy.source_kind = "snapshot";
  copy.source = test_id(11);
  add(copy);
  remove_snapshot();
  EXPECT_EQ(purge(purge_deleted_snapshots), 0);  // a volume was made from it
  remove_volume(2);
  EXPECT_EQ(purge(purge_deleted_volumes), 1);
  EXPECT_EQ(purge(purge_deleted_snapshots), 1);
  EXPECT_EQ(purge(purge_deleted_volumes), 1);
}

TEST_F(PurgeTest, KeepsWhatMayStillBeThere) {
  remove_snapshot();
  remove_volume();
  EXPECT_EQ(purge(purge_closed_attachments, 1, {"vmm1"}), 0);
  EXPECT_EQ(purge(purge_closed_attachments, 1, {"x", "vs1"}), 0);
  EXPECT_EQ(purge(purge_closed_attachments, 1, {"x"}), 1);
  EXPECT_EQ(purge(purge_deleted_snapshots, 1, {"vs1"}), 0);
  EXPECT_EQ(purge(purge_deleted_snapshots), 1);
  Operation leftover = test_operation(21, "remove-leftover");
  add(leftover, {{volume_resource(test_id(1))}});
  EXPECT_EQ(purge(purge_deleted_volumes), 0);
}

TEST_F(PurgeTest, GoesInBatches) {
  for (unsigned n = 2; n < 7; ++n) {
    Volume volume = test_volume(n);
    add(volume);
    remove_volume(n);
  }
  EXPECT_EQ(purge(purge_deleted_volumes, 1, {}, 3), 3);
  EXPECT_EQ(purge(purge_deleted_volumes, 1, {}, 3), 2);
}

}  // namespace
}  // namespace vbs::db::testing
