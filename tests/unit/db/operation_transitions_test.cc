#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Error kError{ErrorCode::node_unavailable, "vs1 does not answer", {}, "vs1", {}};

class OperationTransitionsTest : public DatabaseTest {
 protected:
  Operation begin(unsigned n, const std::vector<LockRequest>& locks) {
    Operation operation = test_operation(n, "create-snapshot");
    add(operation, locks);
    return operation;
  }
  Operation find(const Operation& operation) {
    return *read([&](Connection& c) { return OperationTable(c).find(operation.id); });
  }
  std::vector<HeldLock> locks() {
    return read([](Connection& c) { return OperationTable(c).locks(); });
  }
  /// The error of a second operation, 12 s later, that wants `lock`.
  std::optional<Error> refusal(const LockRequest& lock) {
    Operation second = test_operation(99, "delete-volume");
    second.created_at = after_seconds(12);
    auto begun = write([&](Transaction& tx) { return begin_recorded(tx, second, {lock}); });
    if (begun) return std::nullopt;
    return begun.error();
  }

  const std::string resource_ = volume_resource(test_id(1));
};

TEST_F(OperationTransitionsTest, BeginningTakesLocksAndWritesTheFirstEvent) {
  const Operation operation =
      begin(21, {{resource_}, {snapshot_resource(test_id(2)), LockMode::shared}});
  EXPECT_GT(operation.seq, 0);
  EXPECT_EQ(find(operation).state, OperationState::running);
  const auto held = locks();
  ASSERT_EQ(held.size(), 2U);
  EXPECT_EQ(held[0].resource, "snapshot/" + test_id(2).str());
  EXPECT_EQ(held[0].mode, LockMode::shared);
  EXPECT_EQ(held[1].resource, "volume/" + test_id(1).str());
  EXPECT_EQ(held[1].mode, LockMode::exclusive);
  EXPECT_EQ(held[1].operation, operation.id);
  EXPECT_EQ(held[1].kind, "create-snapshot");
  EXPECT_EQ(held[1].state, OperationState::running);
  EXPECT_EQ(held[1].since, kNow);
  const auto of = read([&](Connection& c) { return OperationTable(c).locks_of(resource_); });
  EXPECT_EQ(of.size(), 1U);
  const auto events = read([&](Connection& c) { return OperationTable(c).events(operation.seq); });
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].what, "begun");
  EXPECT_EQ(events[0].at, kNow);
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(OperationTransitionsTest, ADeadlineIsPutOffAndNeverBroughtForward) {
  const Operation operation = begin(21, {});
  for (const auto& [asked, kept] : {std::pair(7'200, 7'200), std::pair(60, 7'200)}) {
    must([&, asked = asked](Transaction& tx) {
      return put_off_deadline(tx, operation.seq, after_seconds(asked));
    });
    EXPECT_EQ(find(operation).deadline, after_seconds(kept));
  }
}

TEST_F(OperationTransitionsTest, AHeldResourceNamesItsHolder) {
  const Operation holder = begin(21, {{resource_}});
  const auto error = refusal({resource_});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::operation_in_progress);
  EXPECT_EQ(error->operation, holder.id.str());
  EXPECT_THAT(error->message, HasSubstr("volume " + test_id(1).str() +
                                        " is held by "
                                        "create-snapshot (operation " +
                                        holder.id.str() + ", for 12"));
  EXPECT_EQ(read([](Connection& c) { return OperationTable(c).live().size(); }), 1U);
}

TEST_F(OperationTransitionsTest, SharedGoesWithSharedOnly) {
  begin(21, {{resource_, LockMode::shared}});
  EXPECT_TRUE(refusal({resource_, LockMode::exclusive}));
  begin(22, {{resource_, LockMode::shared}});
  EXPECT_EQ(locks().size(), 2U);
  EXPECT_THAT(violated(), IsEmpty());
  begin(23, {{volume_resource(test_id(2))}});
  EXPECT_TRUE(refusal({volume_resource(test_id(2)), LockMode::shared}));
}

TEST_F(OperationTransitionsTest, NoLockIsTakenWhenOneIsHeld) {
  begin(21, {{resource_}});
  Operation second = test_operation(22);
  auto begun = write([&](Transaction& tx) {
    return begin_operation(tx, second, {{volume_resource(test_id(2))}, {resource_}});
  });
  EXPECT_FALSE(begun);
  EXPECT_EQ(locks().size(), 1U);
}

TEST_F(OperationTransitionsTest, ForwardToSuccess) {
  const Operation operation = begin(21, {{resource_}});
  must([&](Transaction& tx) {
    return delay_operation(tx, operation.seq, 3, "node vs1 to answer", after_seconds(5),
                           after_seconds(1));
  });
  Operation now = find(operation);
  EXPECT_EQ(now.attempt, 3);
  EXPECT_EQ(now.waiting_for, "node vs1 to answer");
  EXPECT_EQ(now.next_retry_at, after_seconds(5));
  EXPECT_EQ(now.step_since, kNow);

  must([&](Transaction& tx) { return advance_operation(tx, operation.seq, 2, after_seconds(6)); });
  now = find(operation);
  EXPECT_EQ(now.step, 2);
  EXPECT_EQ(now.attempt, 0);
  EXPECT_EQ(now.waiting_for, "");
  EXPECT_EQ(now.next_retry_at, std::nullopt);
  EXPECT_EQ(now.step_since, after_seconds(6));

  must([&](Transaction& tx) {
    return end_operation(tx, operation.seq, OperationState::succeeded, after_seconds(7));
  });
  now = find(operation);
  EXPECT_EQ(now.state, OperationState::succeeded);
  EXPECT_EQ(now.ended_at, after_seconds(7));
  EXPECT_THAT(locks(), IsEmpty());
  EXPECT_FALSE(refusal({resource_}));
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(OperationTransitionsTest, BackToFailedOrCancelled) {
  for (auto end : {OperationState::failed, OperationState::cancelled}) {
    const Operation operation = begin(end == OperationState::failed ? 21 : 22, {{resource_}});
    must([&](Transaction& tx) {
      return begin_undo(tx, operation.seq, 3, kError, after_seconds(1));
    });
    Operation now = find(operation);
    EXPECT_EQ(now.state, OperationState::undoing);
    EXPECT_EQ(now.step, 3);
    ASSERT_TRUE(now.error);
    EXPECT_EQ(now.error->message, kError.message);
    must([&](Transaction& tx) { return advance_undo(tx, operation.seq, 1, after_seconds(2)); });
    EXPECT_EQ(find(operation).step, 1);
    EXPECT_EQ(locks().size(), 1U);
    must([&](Transaction& tx) { return end_operation(tx, operation.seq, end, after_seconds(3)); });
    EXPECT_EQ(find(operation).state, end);
    EXPECT_THAT(locks(), IsEmpty());
  }
  EXPECT_THAT(violated(), IsEmpty());
}

/// Every transition, tried from every state: allowed exactly where the table says.
TEST_F(OperationTransitionsTest, EveryTransitionChecksTheStateItStartsFrom) {
  using State = OperationState;
  using Act = std::function<Result<void>(Transaction&, std::int64_t)>;
  struct Transition {
    const char* name;
    Act act;
    std::vector<State> allowed;
  };
  const auto end_as = [](State state) -> Act {
    return
        [state](Transaction& tx, std::int64_t seq) { return end_operation(tx, seq, state, kNow); };
  };
  const Transition transitions[] = {
      {"advance",
       [](Transaction& tx, std::int64_t seq) { return advance_operation(tx, seq, 1, kNow); },
       {State::running}},
      {"delay",
       [](Transaction& tx, std::int64_t seq) {
         return delay_operation(tx, seq, 1, "x", kNow, kNow);
       },
       {State::running, State::undoing}},
      {"begin undo",
       [](Transaction& tx, std::int64_t seq) { return begin_undo(tx, seq, 1, kError, kNow); },
       {State::running}},
      {"advance undo",
       [](Transaction& tx, std::int64_t seq) { return advance_undo(tx, seq, 1, kNow); },
       {State::undoing}},
      {"cancel",
       [](Transaction& tx, std::int64_t seq) { return cancel_recorded(tx, seq); },
       {State::running, State::undoing}},
      {"put off the deadline",
       [](Transaction& tx, std::int64_t seq) {
         return put_off_deadline(tx, seq, after_seconds(9));
       },
       {State::running}},
      {"succeed", end_as(State::succeeded), {State::running}},
      {"fail", end_as(State::failed), {State::undoing}},
      {"end cancelled", end_as(State::cancelled), {State::undoing}},
      {"end running", end_as(State::running), {}},
      {"end undoing", end_as(State::undoing), {}},
  };
  const std::pair<State, std::vector<Act>> states[] = {
      {State::running, {}},
      {State::undoing, {transitions[2].act}},
      {State::succeeded, {end_as(State::succeeded)}},
      {State::failed, {transitions[2].act, end_as(State::failed)}},
      {State::cancelled, {transitions[2].act, end_as(State::cancelled)}},
  };
  unsigned number = 100;
  for (const auto& transition : transitions) {
    for (const auto& [state, way] : states) {
      const unsigned n = number++;
      const Operation operation = begin(n, {{volume_resource(test_id(n))}});
      for (const auto& act : way) must([&](Transaction& tx) { return act(tx, operation.seq); });
      const auto done = write([&](Transaction& tx) { return transition.act(tx, operation.seq); });
      EXPECT_EQ(done.has_value(), std::ranges::count(transition.allowed, state) == 1)
          << transition.name << " from " << to_string(state);
      if (done) continue;
      EXPECT_EQ(done.error().code, ErrorCode::internal);
      EXPECT_EQ(find(operation).state, state);
    }
    EXPECT_FALSE(write([&](Transaction& tx) { return transition.act(tx, 9999); }))
        << transition.name;
  }
  EXPECT_THAT(violated(), IsEmpty());
}

}  // namespace
}  // namespace vbs::db::testing
