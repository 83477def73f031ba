#include "db/idempotency_table.h"

#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

class IdempotencyTableTest : public DatabaseTest {
 protected:
  Result<void> insert(const std::string& principal, const std::string& key, std::int64_t at,
                      const std::string& project = "p1") {
    return write([=](Transaction& tx) -> Result<void> {
      IdempotencyTable(tx.connection())
          .insert({project, principal, key, "hash of " + key, test_id(21), after_seconds(at)});
      return {};
    });
  }
  std::optional<IdempotencyKey> find(const std::string& principal, const std::string& key,
                                     const std::string& project = "p1") {
    return read([&](Connection& c) { return IdempotencyTable(c).find(project, principal, key); });
  }
};

TEST_F(IdempotencyTableTest, AKeyBelongsToOnePrincipal) {
  ASSERT_TRUE(insert("alice", "k1", 5));
  auto found = find("alice", "k1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->principal, "alice");
  EXPECT_EQ(found->key, "k1");
  EXPECT_EQ(found->request_hash, "hash of k1");
  EXPECT_EQ(found->operation, test_id(21));
  EXPECT_EQ(found->created_at, after_seconds(5));
  EXPECT_FALSE(find("bob", "k1"));
  EXPECT_TRUE(insert("bob", "k1", 5));
  EXPECT_FALSE(insert("alice", "k1", 6));
}

TEST_F(IdempotencyTableTest, TwoProjectsMayHaveThePrincipalOfOneName) {
  ASSERT_TRUE(insert("alice", "k1", 5, "p1"));
  EXPECT_FALSE(find("alice", "k1", "p2"));
  EXPECT_TRUE(insert("alice", "k1", 5, "p2"));
  EXPECT_EQ(find("alice", "k1", "p2")->project, "p2");
}

TEST_F(IdempotencyTableTest, OutlivesARestart) {
  ASSERT_TRUE(insert("alice", "k1", 5));
  reopen();
  EXPECT_TRUE(find("alice", "k1"));
}

TEST_F(IdempotencyTableTest, PurgesTheOldestFirst) {
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(insert("alice", "k" + std::to_string(i), 10 - i));
  const auto purge = [&](std::int64_t before, int limit) {
    int purged = 0;
    must([&](Transaction& tx) -> Result<void> {
      purged = IdempotencyTable(tx.connection()).purge(after_seconds(before), limit);
      return {};
    });
    return purged;
  };
  EXPECT_EQ(purge(9, 1), 1);
  EXPECT_FALSE(find("alice", "k4"));
  EXPECT_EQ(purge(9, 10), 2);
  EXPECT_TRUE(find("alice", "k1"));
  EXPECT_EQ(purge(9, 10), 0);
}

}  // namespace
}  // namespace vbs::db::testing
