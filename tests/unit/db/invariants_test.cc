#include "db/invariants.h"

#include <set>

#include "db/idempotency_table.h"
#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Corruption {
  const char* invariant;
  const char* sql;
};

/// Each breaks one rule in the healthy store below and no other.
const Corruption kCorruptions[] = {
    {"lock-without-operation",
     "INSERT INTO operation_locks VALUES ('volume/ghost', 999, 'exclusive')"},
    {"ended-operation-holds-lock",
     "INSERT INTO operation_locks SELECT 'volume/x', seq, 'exclusive' FROM operations"
     " WHERE state = 'succeeded'"},
    {"live-operation-without-lock",
     "DELETE FROM operation_locks WHERE operation_seq = (SELECT seq FROM operations"
     " WHERE kind = 'attach-volume')"},
    {"exclusive-lock-shared",
     "INSERT INTO operation_locks SELECT l.resource, o.seq, 'shared' FROM operation_locks l,"
     " operations o WHERE o.kind = 'create-snapshot' AND l.mode = 'exclusive' LIMIT 1"},
    {"undone-operation-without-error",
     "UPDATE operations SET state = 'undoing' WHERE kind = 'create-snapshot'"},
    {"operation-on-missing-resource",
     "UPDATE operations SET volume_uid = '01900000-0000-7000-8000-00000000dead'"
     " WHERE kind = 'create-snapshot'"},
    {"idempotency-key-without-operation",
     "UPDATE idempotency_keys SET operation_uid = '01900000-0000-7000-8000-00000000dead'"},
    {"operation-not-recorded-once",
     "UPDATE operations SET cancel_requested = 1 WHERE kind = 'create-snapshot'"},
    {"in-use-volume-not-attached", "UPDATE volumes SET state = 'in-use' WHERE name = 'idle'"},
    {"attached-volume-not-in-use", "UPDATE volumes SET state = 'available' WHERE name = 'used'"},
    {"reserved-attachment-without-operation",
     "UPDATE operations SET attachment_uid = NULL WHERE kind = 'attach-volume'"},
    {"writer-beside-another", "UPDATE attachments SET read_only = 0 WHERE device = '/dev/sdb'"},
    {"device-taken-twice",
     "DROP INDEX attachments_device; UPDATE attachments SET device = '/dev/sdb'"
     " WHERE device = '/dev/sdc'"},
    {"attachment-differs-from-volume",
     "UPDATE attachments SET volume_server = 'vs9' WHERE device = '/dev/sdb'"},
    {"closed-attachment-with-secret",
     "UPDATE attachments SET sealed_secret = 'v1:left' WHERE state = 'closed'"},
    {"secret-in-clear", "UPDATE attachments SET sealed_secret = 'left' WHERE device = '/dev/sdb'"},
    {"volume-error-without-reason", "UPDATE volumes SET reason = '' WHERE state = 'error'"},
    {"snapshot-error-without-reason", "UPDATE snapshots SET state = 'error'"},
    {"volume-name-taken-twice",
     "DROP INDEX volumes_name; UPDATE volumes SET name = 'used' WHERE name = 'idle'"},
    {"snapshot-name-taken-twice",
     "DROP INDEX snapshots_name; UPDATE snapshots SET name = 'nightly'"},
    {"volume-source-missing",
     "UPDATE volumes SET source_uid = '01900000-0000-7000-8000-00000000dead'"
     " WHERE source_kind = 'snapshot'"},
    {"snapshot-volume-missing",
     "UPDATE snapshots SET volume_uid = '01900000-0000-7000-8000-00000000dead'"
     " WHERE name = 'nightly'"},
    {"volume-tags-differ", "UPDATE volume_tags SET value = 'other'"},
    {"snapshot-tags-differ", "DELETE FROM snapshot_tags"},
    {"growing-volume-without-operation",
     "UPDATE volumes SET wanted_bytes = size_bytes WHERE name = 'idle'"},
    {"project-usage-differs", "UPDATE project_usage SET volumes = volumes + 1"},
    {"node-usage-differs", "UPDATE node_usage SET bytes = bytes + 1"},
};

/// One of everything, healthy.
class InvariantsTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    add_named(1, "used");
    add_named(2, "idle");
    add_named(3, "broken");
    add_named(4, "gone");
    must([](Transaction& tx) { return volume_error(tx, test_id(3), "lost", kNow); });
    must([](Transaction& tx) { return volume_deleted(tx, test_id(4), kNow); });
    add_snapshots();
    Volume clone = test_volume(5);
    clone.name = "clone";
    clone.source_kind = "snapshot";
    clone.source = test_id(11);
    add(clone);
    add_attachments();
    add_operations();
    ASSERT_THAT(violated(), IsEmpty());
  }

  void add_named(unsigned n, const std::string& name) {
    Volume volume = test_volume(n);
    volume.name = name;
    volume.tags = R"({"colour":"r\"e\u00e9d","tier":"gold"})";
    add(volume, {{"colour",
                  "r\"e\xc3\xa9"
                  "d"},
                 {"tier", "gold"}});
  }
  void add_snapshots() {
    for (unsigned n : {11U, 12U}) {
      Snapshot snapshot = test_snapshot(n, test_id(1));
      snapshot.name = n == 11 ? "nightly" : "weekly";
      snapshot.tags = R"({"kept":"yes"})";
      add(snapshot, {{"kept", "yes"}});
    }
  }
  void add_attachments() {
    for (unsigned n : {21U, 22U, 23U}) {
      Attachment attachment = test_attachment(n, test_id(1),
                                              n == 21   ? "/dev/sdb"
                                              : n == 22 ? "/dev/sdc"
                                                        : "/dev/sdd");
      attachment.read_only = true;
      add(attachment);
    }
    must([](Transaction& tx) { return attachment_attached(tx, test_id(21), kNow); });
    must([](Transaction& tx) { return attachment_closed(tx, test_id(23), "undone", kNow); });
  }
  void add_operations() {
    Operation attach = test_operation(31, "attach-volume");
    attach.volume = test_id(1);
    attach.attachment = test_id(22);
    add(attach, {{volume_resource(test_id(1))}});
    Operation snapshot = test_operation(32, "create-snapshot");
    snapshot.volume = test_id(2);
    snapshot.snapshot = test_id(12);
    add(snapshot, {{volume_resource(test_id(2)), LockMode::shared}});
    Operation leftover = test_operation(33, "remove-leftover");
    leftover.volume = test_id(0xdead);
    leftover.node = "vs1";
    add(leftover, {{volume_resource(test_id(0xdead))}});
    Operation reap = test_operation(34, "reap-exports");
    add(reap, {});
    Operation ended = test_operation(35);
    add(ended, {{volume_resource(test_id(5))}});
    must([&](Transaction& tx) -> Result<void> {
      IdempotencyTable(tx.connection()).insert({"p1", "alice", "k", "h", ended.id, kNow});
      return end_operation(tx, ended.seq, OperationState::succeeded, kNow);
    });
  }
};

TEST_F(InvariantsTest, EachCorruptionIsReportedByItsOwnInvariantAlone) {
  database_.reset();
  std::set<std::string_view> proven;
  for (const auto& corruption : kCorruptions) {
    const std::string copy = directory_.file("copy.db");
    std::filesystem::copy_file(path(), copy, std::filesystem::copy_options::overwrite_existing);
    Connection connection(copy, Connection::Mode::writer);
    connection.execute("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
    connection.execute(corruption.sql);
    std::set<std::string> reported;
    for (const auto& violation : check_invariants(connection)) {
      reported.insert(violation.invariant);
      EXPECT_FALSE(violation.detail.empty()) << corruption.invariant;
    }
    EXPECT_THAT(reported, ElementsAre(corruption.invariant));
    proven.insert(corruption.invariant);
  }
  for (const auto& invariant : invariants()) {
    EXPECT_TRUE(proven.contains(invariant.name)) << invariant.name << " is never violated here";
  }
}

TEST_F(InvariantsTest, ReportsAtMostTwentyOfAKind) {
  for (unsigned n = 100; n < 130; ++n) {
    Volume volume = test_volume(n);
    volume.state = VolumeState::error;
    add(volume);
  }
  const auto names = violated();
  EXPECT_EQ(names.size(), 20U);
  EXPECT_THAT(names, ::testing::Each("volume-error-without-reason"));
}

}  // namespace
}  // namespace vbs::db::testing
