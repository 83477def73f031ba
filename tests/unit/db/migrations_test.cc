#include "db/migrations.h"

#include "common/secret.h"
#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::HasSubstr;

constexpr Migration kFirst{1, "first",
                           "CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);"
                           "CREATE TABLE children (parent INTEGER REFERENCES parents (id));"};
constexpr Migration kSecond{2, "second", "ALTER TABLE parents ADD COLUMN age INTEGER DEFAULT 7;"};
/// Rebuilds a table that others refer to, as SQLite's own guide does it.
constexpr Migration kRebuild{3, "rebuild",
                             "CREATE TABLE fresh (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
                             "INSERT INTO fresh SELECT id, name FROM parents;"
                             "DROP TABLE parents; ALTER TABLE fresh RENAME TO parents;"};
constexpr Migration kBroken{2, "broken", "CREATE TABLE half (a); CREATE TABLE parents (a);"};
constexpr Migration kOrphans{2, "orphans", "DELETE FROM parents;"};

class MigrationsTest : public ::testing::Test {
 protected:
  Result<void> run(const std::vector<Migration>& migrations) {
    return migrate(connection_, migrations, kNow);
  }
  std::string text(const std::string& sql) {
    auto query = connection_.prepare(sql);
    return query.step() ? query.string(0) : "";
  }
  void add_rows() {
    connection_.execute(
        "INSERT INTO parents (id, name) VALUES (1, 'ann'); INSERT INTO children VALUES (1)");
  }

  TemporaryDirectory directory_;
  Connection connection_{directory_.file("m.db"), Connection::Mode::writer};
};

TEST_F(MigrationsTest, ANewDatabaseGetsAllWithTheirChecksums) {
  ASSERT_TRUE(run({kFirst, kSecond}));
  EXPECT_EQ(text("SELECT group_concat(version || name) FROM schema_migrations"), "1first,2second");
  EXPECT_EQ(text("SELECT checksum FROM schema_migrations WHERE version = 1"),
            sha256_hex(kFirst.sql));
  EXPECT_EQ(text("SELECT applied_at FROM schema_migrations"), std::to_string(to_millis(kNow)));
  ASSERT_TRUE(run({kFirst, kSecond}));
  EXPECT_EQ(text("SELECT count(*) FROM schema_migrations"), "2");
}

TEST_F(MigrationsTest, AnOlderDatabaseKeepsItsRows) {
  ASSERT_TRUE(run({kFirst}));
  add_rows();
  ASSERT_TRUE(run({kFirst, kSecond, kRebuild}));
  EXPECT_EQ(text("SELECT name FROM parents"), "ann");
  EXPECT_EQ(text("SELECT parent FROM children"), "1");
  EXPECT_EQ(text("PRAGMA foreign_keys"), "1");
}

TEST_F(MigrationsTest, ANewerDatabaseIsRefused) {
  ASSERT_TRUE(run({kFirst, kSecond}));
  auto refused = run({kFirst});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::database_unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("version 2 (second)"));
  EXPECT_THAT(refused.error().message, HasSubstr("up to 1"));
  EXPECT_THAT(refused.error().message, HasSubstr("newer program"));
}

TEST_F(MigrationsTest, AChangedTextIsRefused) {
  ASSERT_TRUE(run({kFirst}));
  auto refused = run({{1, "first", "CREATE TABLE parents (id INTEGER PRIMARY KEY);"}, kSecond});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("version 1 (first)"));
  EXPECT_THAT(refused.error().message, HasSubstr("another text"));
  EXPECT_EQ(text("SELECT count(*) FROM schema_migrations"), "1");
}

TEST_F(MigrationsTest, AFailureLeavesNothingHalfMade) {
  ASSERT_TRUE(run({kFirst}));
  try {
    (void)run({kFirst, kBroken});
    FAIL() << "accepted";
  } catch (const SqliteError& error) {
    EXPECT_THAT(error.what(), HasSubstr("2 (broken)"));
  }
  EXPECT_EQ(text("SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), "0");
  EXPECT_EQ(text("SELECT max(version) FROM schema_migrations"), "1");
  ASSERT_TRUE(run({kFirst, kSecond}));
}

TEST_F(MigrationsTest, ReferencesToRowsThatAreGoneAreRefused) {
  ASSERT_TRUE(run({kFirst}));
  add_rows();
  EXPECT_THROW((void)run({kFirst, kOrphans}), SqliteError);
  EXPECT_EQ(text("SELECT name FROM parents"), "ann");
}

TEST_F(MigrationsTest, ADatabaseOfAnotherProgramIsRefused) {
  connection_.execute("CREATE TABLE songs (title)");
  auto refused = run({kFirst});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("another program"));
  EXPECT_EQ(text("SELECT count(*) FROM sqlite_schema"), "1");
}

int count_down(void* left) {
  return --*static_cast<int*>(left) == 0 ? 1 : 0;
}

/// The real schema, stopped after ever more of SQLite's own instructions.
TEST_F(MigrationsTest, AStopAnywhereLeavesWholeVersionsOnly) {
  int stops = 0;
  for (int budget = 1;; budget += 101, ++stops) {
    const TemporaryDirectory directory;
    Connection connection(directory.file("s.db"), Connection::Mode::writer);
    int left = budget;
    sqlite3_progress_handler(connection.handle(), 1, count_down, &left);
    bool finished = true;
    try {
      (void)migrate(connection, known_migrations(), kNow);
    } catch (const SqliteError&) {
      finished = false;
    }
    sqlite3_progress_handler(connection.handle(), 0, nullptr, nullptr);
    if (finished) break;
    const bool noted =
        connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'").step();
    const bool made = connection.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").step();
    EXPECT_EQ(noted, made) << budget;
    EXPECT_TRUE(migrate(connection, known_migrations(), kNow)) << budget;
    EXPECT_TRUE(check_invariants(connection).empty()) << budget;
  }
  EXPECT_GT(stops, 10);
}

TEST(KnownMigrations, AreInOrderAndEmbeddedWhole) {
  const auto known = known_migrations();
  ASSERT_FALSE(known.empty());
  for (std::size_t i = 0; i < known.size(); ++i) {
    EXPECT_EQ(known[i].version, static_cast<int>(i) + 1);
  }
  EXPECT_EQ(known[0].name, "core");
  EXPECT_THAT(std::string(known[0].sql), HasSubstr("CREATE TABLE node_usage"));
}

TEST_F(MigrationsTest, VolumesFromBeforeImagesKeepTheirSources) {
  const auto known = known_migrations();
  ASSERT_TRUE(migrate(connection_, known.first(2), kNow));
  connection_.execute(
      "INSERT INTO volumes (uid, project, size_bytes, node, state, source_kind, source_uid,"
      " created_at, updated_at) VALUES"
      " ('01900000-0000-7000-8000-000000000001', 'p', 1048576, 'vs1', 'available', '', NULL, 1, 1),"
      " ('01900000-0000-7000-8000-000000000002', 'p', 1048576, 'vs1', 'available', 'volume',"
      " '01900000-0000-7000-8000-000000000001', 1, 1)");
  ASSERT_TRUE(migrate(connection_, known, kNow));
  EXPECT_EQ(VolumeTable(connection_).find(test_id(1))->source_kind, "");
  EXPECT_EQ(VolumeTable(connection_).find(test_id(2))->source_kind, "volume");
  EXPECT_EQ(VolumeTable(connection_).find(test_id(2))->source, test_id(1));
  const std::string image = "UPDATE volumes SET image_id = '01900000-0000-7000-8000-000000000009'";
  connection_.execute(image + " WHERE source_uid IS NULL");
  EXPECT_EQ(VolumeTable(connection_).find(test_id(1))->source, test_id(9));
  EXPECT_THROW(connection_.execute(image), SqliteError) << "there is one source, or none";
}

}  // namespace
}  // namespace vbs::db::testing
