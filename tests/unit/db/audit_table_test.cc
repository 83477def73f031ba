#include "db/audit_table.h"

#include "db/migrations.h"
#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

AuditRecord test_record(unsigned n) {
  AuditRecord record;
  record.at = after_seconds(n);
  record.principal = "alice";
  record.role = "member";
  record.project = "web";
  record.action = "create-volume";
  record.operation = test_id(0x100 + n);
  record.volume = test_id(n);
  record.request_id = "request-" + std::to_string(n);
  return record;
}

class AuditTableTest : public DatabaseTest {
 protected:
  void append(const AuditRecord& record) {
    must([&](Transaction& tx) -> Result<void> {
      AuditTable(tx.connection()).append(record);
      return {};
    });
  }
  std::vector<AuditRecord> records(std::int64_t after = 0, std::size_t limit = 100) {
    return read([&](Connection& c) { return AuditTable(c).list(after, limit); });
  }
  std::vector<std::int64_t> numbers(std::int64_t after = 0, std::size_t limit = 100) {
    std::vector<std::int64_t> numbers;
    for (const AuditRecord& record : records(after, limit)) numbers.push_back(record.seq);
    return numbers;
  }
  /// The message with which a statement is refused; "" if it is not.
  std::string refusal(const std::string& sql) {
    const auto done = write([&](Transaction& tx) -> Result<void> {
      tx.connection().execute(sql);
      return {};
    });
    return done ? "" : done.error().message;
  }
};

TEST_F(AuditTableTest, GivesBackWhatWasAppended) {
  append(test_record(1));
  const auto found = records().at(0);
  EXPECT_EQ(found.seq, 1);
  EXPECT_EQ(found.at, after_seconds(1));
  EXPECT_EQ(found.principal, "alice");
  EXPECT_EQ(found.role, "member");
  EXPECT_EQ(found.project, "web");
  EXPECT_EQ(found.action, "create-volume");
  EXPECT_FALSE(found.force);
  EXPECT_EQ(found.operation, test_id(0x101));
  EXPECT_EQ(found.volume, test_id(1));
  EXPECT_TRUE(found.snapshot.is_nil());
  EXPECT_TRUE(found.attachment.is_nil());
  EXPECT_EQ(found.vm + found.node, "");
  EXPECT_EQ(found.request_id, "request-1");
}

TEST_F(AuditTableTest, NamesTheVmOfTheAttachment) {
  Volume volume = test_volume(1);
  add(volume);
  Attachment attachment = test_attachment(2, volume.id, "/dev/sdb");
  add(attachment);
  Operation detach = test_operation(3, "detach-volume");
  detach.volume = volume.id;
  detach.attachment = attachment.id;
  detach.options = R"({"force":true})";
  append(audit_record_of(detach));
  const auto found = records().at(0);
  EXPECT_EQ(found.at, detach.created_at);
  EXPECT_EQ(found.principal, detach.principal);
  EXPECT_EQ(found.action, "detach-volume");
  EXPECT_TRUE(found.force);
  EXPECT_EQ(found.operation, detach.id);
  EXPECT_EQ(found.volume, volume.id);
  EXPECT_EQ(found.attachment, attachment.id);
  EXPECT_EQ(found.vm, "vm1");
  EXPECT_EQ(found.node, "vmm1");
}

TEST_F(AuditTableTest, ListsBehindANumber) {
  for (unsigned n = 1; n <= 5; ++n) append(test_record(n));
  EXPECT_THAT(numbers(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(numbers(0, 2), ElementsAre(1, 2));
  EXPECT_THAT(numbers(2, 2), ElementsAre(3, 4));
  EXPECT_THAT(numbers(5), IsEmpty());
}

TEST_F(AuditTableTest, IsOnlyAppendedTo) {
  append(test_record(1));
  append(test_record(2));
  EXPECT_THAT(refusal("UPDATE audit_records SET principal = 'bob' WHERE seq = 1"),
              HasSubstr("never changed"));
  EXPECT_THAT(refusal("DELETE FROM audit_records WHERE seq = 2"), HasSubstr("never removed"));
  EXPECT_THAT(refusal("DELETE FROM audit_records"), HasSubstr("never removed"));
  const std::string again =
      " INTO audit_records (seq, at, principal, role, project, action, request_id)"
      " VALUES (1, 1, 'bob', '', '', '', '')";
  EXPECT_THAT(refusal("REPLACE" + again), HasSubstr("never replaced"));
  EXPECT_THAT(refusal("INSERT" + again + " ON CONFLICT DO UPDATE SET principal = 'bob'"),
              HasSubstr("never"));
  EXPECT_THAT(numbers(), ElementsAre(1, 2));
  EXPECT_EQ(records()[0].principal, "alice");
}

TEST_F(AuditTableTest, StandsOrFallsWithItsChange) {
  Operation operation = test_operation(7);
  const auto lost = write([&](Transaction& tx) -> Result<void> {
    if (auto ok = begin_recorded(tx, operation, {{volume_resource(test_id(1))}}); !ok) return ok;
    return fail(ErrorCode::conflict, "something else was wrong");
  });
  EXPECT_FALSE(lost);
  EXPECT_THAT(numbers(), IsEmpty());
  add(operation, {{volume_resource(test_id(1))}});
  EXPECT_THAT(numbers(), ElementsAre(1)) << "and no number is left out";
}

TEST_F(AuditTableTest, OperationsFromBeforeHaveTheirRecords) {
  database_.reset();
  std::filesystem::remove(path());
  Connection connection(path(), Connection::Mode::writer);
  ASSERT_TRUE(migrate(connection, known_migrations().first(4), kNow));
  {
    Transaction tx(connection);
    Operation first = test_operation(1, "detach-volume");
    first.options = R"({"force":true})";
    ASSERT_TRUE(begin_operation(tx, first, {}));
    Operation second = test_operation(2);
    second.principal = "bob";
    ASSERT_TRUE(begin_operation(tx, second, {{volume_resource(test_id(3))}}));
    OperationEvent cancel;
    cancel.at = after_seconds(5);
    cancel.what = "cancel-requested";
    cancel.message = "by carol";
    OperationTable(connection).append_event(first.seq, cancel);
    ASSERT_TRUE(request_cancel(tx, first.seq, cancel.at));
  }
  ASSERT_TRUE(migrate(connection, known_migrations(), kNow));
  std::vector<std::string> lines;
  for (const AuditRecord& record : AuditTable(connection).list(0, 100)) {
    EXPECT_EQ(record.role + record.project + record.request_id, "");
    lines.push_back(record.principal + " " + record.action + (record.force ? " by force" : ""));
  }
  EXPECT_THAT(lines, ElementsAre("alice detach-volume by force", "bob create-volume",
                                 "carol cancel-operation"));
  for (const Violation& violation : check_invariants(connection))
    EXPECT_NE(violation.invariant, "operation-not-recorded-once") << violation.detail;
}

}  // namespace
}  // namespace vbs::db::testing
