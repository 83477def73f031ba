#include "db/attachment_table.h"

#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AttachmentTableTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    for (unsigned n = 1; n <= 3; ++n) {
      Volume volume = test_volume(n);
      add(volume);
    }
  }
  template <class F>
  std::vector<std::int64_t> seqs(F&& query) {
    return read([&](Connection& connection) {
      std::vector<std::int64_t> found;
      AttachmentTable table(connection);
      for (const auto& one : query(table)) found.push_back(one.seq);
      return found;
    });
  }
};

TEST_F(AttachmentTableTest, KeepsEveryMember) {
  Attachment attachment = test_attachment(11, test_id(2), "/dev/sdb");
  attachment.read_only = true;
  attachment.sealed_secret = "v1:00";
  add(attachment);
  must([](Transaction& tx) -> Result<void> {
    AttachmentTable table(tx.connection());
    table.set_export(test_id(11), "iqn.2026-01.test:11", "10.0.0.1:3260", 1);
    table.set_device(test_id(11), "serial11", "/dev/vdb");
    return {};
  });
  auto found = read([](Connection& c) { return AttachmentTable(c).find(test_id(11)); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->seq, attachment.seq);
  EXPECT_EQ(found->volume, test_id(2));
  EXPECT_EQ(found->project, "p1");
  EXPECT_EQ(found->volume_server, "vs1");
  EXPECT_EQ(found->vmm_node, "vmm1");
  EXPECT_EQ(found->vm, "vm1");
  EXPECT_EQ(found->device, "/dev/sdb");
  EXPECT_TRUE(found->read_only);
  EXPECT_EQ(found->state, AttachmentState::reserved);
  EXPECT_EQ(found->initiator, attachment.initiator);
  EXPECT_EQ(found->chap_user, "user");
  EXPECT_EQ(found->sealed_secret, attachment.sealed_secret);
  EXPECT_EQ(found->iqn, "iqn.2026-01.test:11");
  EXPECT_EQ(found->portal, "10.0.0.1:3260");
  EXPECT_EQ(found->lun, 1U);
  EXPECT_EQ(found->serial, "serial11");
  EXPECT_EQ(found->guest_device, "/dev/vdb");
  EXPECT_EQ(found->created_at, kNow);
  EXPECT_FALSE(read([](Connection& c) { return AttachmentTable(c).find(test_id(12)); }));
}

TEST_F(AttachmentTableTest, ATakenDeviceIsAnAnswerAndFreeAgainWhenClosed) {
  Attachment first = test_attachment(11, test_id(1), "/dev/sdb");
  add(first);
  Attachment second = test_attachment(12, test_id(2), "/dev/sdb");
  must([&](Transaction& tx) -> Result<void> {
    EXPECT_FALSE(AttachmentTable(tx.connection()).insert(second));
    return {};
  });
  Attachment other_node = test_attachment(13, test_id(3), "/dev/sdb");
  other_node.vmm_node = "vmm2";
  add(other_node);
  must([&](Transaction& tx) { return attachment_closed(tx, first.id, "undone", kNow); });
  add(second);
}

TEST_F(AttachmentTableTest, ASecondWriterIsADefect) {
  Attachment first = test_attachment(11, test_id(1), "/dev/sdb");
  add(first);
  auto refused = write([](Transaction& tx) -> Result<void> {
    Attachment second = test_attachment(12, test_id(1), "/dev/sdc");
    AttachmentTable(tx.connection()).insert(second);
    return {};
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::internal);
}

TEST_F(AttachmentTableTest, AnUnknownVolumeIsADefect) {
  auto refused = write([](Transaction& tx) -> Result<void> {
    Attachment attachment = test_attachment(11, test_id(99), "/dev/sdc");
    AttachmentTable(tx.connection()).insert(attachment);
    return {};
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::internal);
}

TEST_F(AttachmentTableTest, ListsOfOpenOnes) {
  Attachment a = test_attachment(11, test_id(1), "/dev/sdb");
  Attachment b = test_attachment(12, test_id(2), "/dev/sdc");
  Attachment c = test_attachment(13, test_id(3), "/dev/sdb");
  Attachment closed = test_attachment(14, test_id(3), "/dev/sdd");
  b.vm = "vm2";
  c.vmm_node = "vmm2";
  c.volume_server = "vs2";
  c.read_only = closed.read_only = true;
  for (Attachment* one : {&a, &b, &c, &closed}) add(*one);
  must([&](Transaction& tx) { return attachment_closed(tx, closed.id, "undone", kNow); });

  using Table = AttachmentTable;
  EXPECT_THAT(seqs([](Table& t) { return t.open_of_volume(test_id(3)); }), ElementsAre(c.seq));
  EXPECT_THAT(seqs([](Table& t) { return t.open_of_volume(test_id(9)); }), IsEmpty());
  EXPECT_THAT(seqs([](Table& t) { return t.open_of_volumes({2, 3}); }), ElementsAre(b.seq, c.seq));
  EXPECT_THAT(seqs([](Table& t) {
                return t.open_of_volumes({1, 3, 900});
              }),
              ElementsAre(a.seq, c.seq));
  EXPECT_THAT(seqs([](Table& t) { return t.open_of_volumes({}); }), IsEmpty());
  EXPECT_THAT(seqs([](Table& t) { return t.open_on_vmm("vmm1"); }), ElementsAre(a.seq, b.seq));
  EXPECT_THAT(seqs([](Table& t) { return t.open_on_volume_server("vs2"); }), ElementsAre(c.seq));
  EXPECT_THAT(seqs([](Table& t) { return t.open_of_vm("vmm1", "vm2"); }), ElementsAre(b.seq));
  EXPECT_THAT(seqs([](Table& t) { return t.open_of_vm("vmm2", "vm2"); }), IsEmpty());
}

}  // namespace
}  // namespace vbs::db::testing
