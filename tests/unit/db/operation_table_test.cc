#include "db/operation_table.h"

#include "db/idempotency_table.h"
#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OperationTableTest : public DatabaseTest {
 protected:
  /// An operation of that number, holding a resource of its own.
  Operation begin(Operation operation) {
    add(operation, {{"volume/" + operation.id.str()}});
    return operation;
  }
  void end(const Operation& operation, WallTime at) {
    must([&](Transaction& tx) {
      return end_operation(tx, operation.seq, OperationState::succeeded, at);
    });
  }
  std::vector<std::int64_t> list(const OperationFilter& filter) {
    return read([&](Connection& connection) {
      std::vector<std::int64_t> seqs;
      for (const auto& one : OperationTable(connection).list(filter)) seqs.push_back(one.seq);
      return seqs;
    });
  }
  std::vector<OperationEvent> events(std::int64_t seq) {
    return read([&](Connection& connection) { return OperationTable(connection).events(seq); });
  }
};

TEST_F(OperationTableTest, KeepsEveryMember) {
  Operation operation = test_operation(21, "attach-volume");
  operation.volume = test_id(1);
  operation.attachment = test_id(3);
  operation.node = "vs1";
  operation.options = R"({"vm":"vm1"})";
  operation = begin(operation);
  const Error error{ErrorCode::node_unavailable, "say \"no\"\n\xc3\xa9", "f", "vs1", "op"};
  must([&](Transaction& tx) -> Result<void> {
    OperationTable(tx.connection()).set_data(operation.seq, R"({"iqn":"x"})");
    if (auto ok = request_cancel(tx, operation.seq, kNow); !ok) return ok;
    if (auto ok = begin_undo(tx, operation.seq, 2, error, after_seconds(1)); !ok) return ok;
    return delay_operation(tx, operation.seq, 4, "node vs1 to answer", after_seconds(9),
                           after_seconds(2));
  });
  auto found = read([&](Connection& c) { return OperationTable(c).find(operation.id); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->seq, operation.seq);
  EXPECT_EQ(found->project, "p1");
  EXPECT_EQ(found->principal, "alice");
  EXPECT_EQ(found->kind, "attach-volume");
  EXPECT_EQ(found->state, OperationState::undoing);
  EXPECT_EQ(found->step, 2);
  EXPECT_EQ(found->volume, test_id(1));
  EXPECT_TRUE(found->snapshot.is_nil());
  EXPECT_EQ(found->attachment, test_id(3));
  EXPECT_EQ(found->node, "vs1");
  EXPECT_EQ(found->options, operation.options);
  EXPECT_EQ(found->data, R"({"iqn":"x"})");
  EXPECT_TRUE(found->cancel_requested);
  ASSERT_TRUE(found->error);
  EXPECT_EQ(found->error->code, error.code);
  EXPECT_EQ(found->error->message, error.message);
  EXPECT_EQ(found->error->field, "f");
  EXPECT_EQ(found->error->node, "vs1");
  EXPECT_EQ(found->error->operation, "op");
  EXPECT_EQ(found->attempt, 4);
  EXPECT_EQ(found->waiting_for, "node vs1 to answer");
  EXPECT_EQ(found->next_retry_at, after_seconds(9));
  EXPECT_EQ(found->step_since, after_seconds(1));
  EXPECT_EQ(found->deadline, after_seconds(600));
  EXPECT_EQ(found->created_at, kNow);
  EXPECT_EQ(found->updated_at, after_seconds(2));
  EXPECT_EQ(found->ended_at, std::nullopt);
  EXPECT_EQ(read([&](Connection& c) { return OperationTable(c).find_seq(operation.seq)->id; }),
            operation.id);
}

TEST_F(OperationTableTest, AnErrorColumnThatIsNoErrorIsDamage) {
  const Operation operation = begin(test_operation(21));
  for (const char* text : {"not json", "{}", R"({"code":5})"}) {
    must([&](Transaction& tx) -> Result<void> {
      tx.connection().prepare("UPDATE operations SET error = ?").bind(text).run();
      return {};
    });
    auto damaged =
        database().read([&](Connection& c) { return OperationTable(c).find(operation.id); });
    ASSERT_FALSE(damaged) << text;
    EXPECT_EQ(damaged.error().code, ErrorCode::database_unavailable);
  }
}

TEST_F(OperationTableTest, ListsFilterAndPage) {
  Operation first = test_operation(21);
  first.volume = test_id(1);
  first = begin(first);
  Operation second = test_operation(22, "attach-volume");
  second.volume = test_id(1);
  second.attachment = test_id(5);
  second = begin(second);
  Operation third = test_operation(23, "create-snapshot");
  third.snapshot = test_id(7);
  third.project = "p2";
  third = begin(third);
  end(first, kNow);

  OperationFilter filter;
  EXPECT_THAT(list(filter), ElementsAre(3, 2, 1));
  filter.before_seq = 3;
  filter.limit = 1;
  EXPECT_THAT(list(filter), ElementsAre(2));
  filter = {};
  filter.project = "p1";
  EXPECT_THAT(list(filter), ElementsAre(2, 1));
  filter.live_only = true;
  EXPECT_THAT(list(filter), ElementsAre(2));
  filter = {};
  filter.kind = "attach-volume";
  EXPECT_THAT(list(filter), ElementsAre(2));
  filter = {};
  filter.state = OperationState::succeeded;
  EXPECT_THAT(list(filter), ElementsAre(1));
  filter = {};
  filter.resource = test_id(1);
  EXPECT_THAT(list(filter), ElementsAre(2, 1));
  filter.resource = test_id(5);
  EXPECT_THAT(list(filter), ElementsAre(2));
  filter.resource = test_id(7);
  EXPECT_THAT(list(filter), ElementsAre(3));
  filter.project = "p1";
  EXPECT_THAT(list(filter), IsEmpty());
  filter = {};
  filter.ids = {third.id, first.id};
  EXPECT_THAT(list(filter), ElementsAre(3, 1));
  read([&](Connection& connection) {
    OperationTable table(connection);
    EXPECT_EQ(table.live().size(), 2U);
    EXPECT_EQ(table.seq_of(third.id, "p2"), 3);
    EXPECT_EQ(table.seq_of(third.id, "p1"), std::nullopt);
    OperationFilter begins;
    begins.project = "p2";
    begins.id_prefix = "0190";
    EXPECT_EQ(table.list(begins).size(), 1U);
    return 0;
  });
}

TEST_F(OperationTableTest, EventsStayBoundedAndInOrder) {
  const Operation operation = begin(test_operation(21));
  const auto append = [&](const std::string& what, const std::string& message) {
    must([&](Transaction& tx) -> Result<void> {
      OperationEvent event{0, kNow, "export", what, "vs1", message, 12};
      OperationTable(tx.connection()).append_event(operation.seq, event);
      return {};
    });
  };
  append("done", "first step");
  for (int i = 1; i <= 250; ++i) append("retry", "try " + std::to_string(i));
  append("failed", "deadline");
  auto all = events(operation.seq);
  ASSERT_EQ(all.size(), 200U);
  EXPECT_EQ(all[0].what, "begun");
  EXPECT_EQ(all[1].message, "first step");
  EXPECT_EQ(all[2].message, "try 1");
  EXPECT_EQ(all[198].message, "try 197");
  EXPECT_EQ(all[199].what, "failed");
  EXPECT_EQ(all[199].node, "vs1");
  EXPECT_EQ(all[199].elapsed_ms, 12);

  for (int i = 0; i < 300; ++i) append("undone", "u" + std::to_string(i));
  all = events(operation.seq);
  ASSERT_EQ(all.size(), 200U);
  EXPECT_EQ(all[0].what, "begun");
  EXPECT_EQ(all[199].message, "u299");
}

TEST_F(OperationTableTest, PurgesWhatEndedLongAgoAndHasNoKey) {
  std::vector<Operation> operations;
  for (unsigned n = 0; n < 5; ++n) {
    operations.push_back(begin(test_operation(21 + n)));
    if (n != 4) end(operations[n], after_seconds(n));
  }
  must([&](Transaction& tx) -> Result<void> {
    IdempotencyTable(tx.connection()).insert({"p1", "alice", "k", "h", operations[1].id, kNow});
    return {};
  });
  const auto purge = [&](std::int64_t before, int limit) {
    int purged = 0;
    must([&](Transaction& tx) -> Result<void> {
      purged = OperationTable(tx.connection()).purge_ended(after_seconds(before), limit);
      return {};
    });
    return purged;
  };
  EXPECT_EQ(purge(0, 10), 0);
  EXPECT_EQ(purge(3, 1), 1);
  EXPECT_THAT(list({}), ElementsAre(5, 4, 3, 2));
  EXPECT_EQ(purge(1000, 10), 2);
  EXPECT_THAT(list({}), ElementsAre(5, 2));
  EXPECT_THAT(events(operations[0].seq), IsEmpty());
  EXPECT_THAT(violated(), IsEmpty());
  must([&](Transaction& tx) -> Result<void> {
    EXPECT_EQ(IdempotencyTable(tx.connection()).purge(after_seconds(1), 10), 1);
    return {};
  });
  EXPECT_EQ(purge(1000, 10), 1);
  EXPECT_THAT(list({}), ElementsAre(5));
}

TEST_F(OperationTableTest, NumbersAreNeverGivenTwice) {
  const Operation first = begin(test_operation(21));
  end(first, kNow);
  must([](Transaction& tx) -> Result<void> {
    OperationTable(tx.connection()).purge_ended(after_seconds(1), 10);
    return {};
  });
  EXPECT_GT(begin(test_operation(22)).seq, first.seq);
}

TEST(OperationState, TextsMatchTheSchema) {
  for (auto state : {OperationState::running, OperationState::undoing, OperationState::succeeded,
                     OperationState::failed, OperationState::cancelled}) {
    EXPECT_EQ(operation_state_from(to_string(state)), state);
  }
  EXPECT_EQ(operation_state_from("stuck"), std::nullopt);
}

}  // namespace
}  // namespace vbs::db::testing
