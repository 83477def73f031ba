#include "db/connection.h"

#include "db/sqlite_error.h"
#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

class ConnectionTest : public ::testing::Test {
 protected:
  std::string path() const { return directory_.file("plain.db"); }

  static std::string pragma(Connection& connection, const std::string& name) {
    const std::string sql = "PRAGMA " + name;
    auto query = connection.prepare(sql);
    query.step();
    return query.string(0);
  }

  TemporaryDirectory directory_;
};

TEST_F(ConnectionTest, ValuesOfEveryTypeComeBack) {
  Connection connection(path(), Connection::Mode::writer);
  connection.execute("CREATE TABLE t (a, b, c, d, e, f, g, h, i)");
  const std::string odd("zero\0inside", 11);
  connection.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(std::int64_t{-5})
      .bind(true)
      .bind(odd)
      .bind(std::string_view())
      .bind(test_id(7))
      .bind(Uuid{})
      .bind(kNow)
      .bind(std::optional<WallTime>())
      .bind(std::optional<std::string>("text"))
      .run();
  auto row = connection.prepare("SELECT * FROM t");
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.integer(0), -5);
  EXPECT_EQ(row.integer(1), 1);
  EXPECT_EQ(row.text(2), odd);
  EXPECT_FALSE(row.is_null(3));
  EXPECT_EQ(row.text(3), "");
  EXPECT_EQ(row.uuid(4), test_id(7));
  EXPECT_TRUE(row.is_null(5));
  EXPECT_TRUE(row.uuid(5).is_nil());
  EXPECT_EQ(row.time(6), kNow);
  EXPECT_EQ(row.optional_time(7), std::nullopt);
  EXPECT_EQ(row.optional_string(8), "text");
  EXPECT_EQ(row.optional_string(7), std::nullopt);
  EXPECT_FALSE(row.step());
}

TEST_F(ConnectionTest, AStatementIsFreeAgainAfterItsRun) {
  Connection connection(path(), Connection::Mode::writer);
  connection.execute("CREATE TABLE t (a INTEGER UNIQUE)");
  const char* insert = "INSERT INTO t VALUES (?)";
  EXPECT_EQ(connection.prepare(insert).bind(1).run(), 1);
  EXPECT_THROW(connection.prepare(insert).bind(1).run(), SqliteError);
  // What was bound before does not stay: an unbound parameter is NULL.
  EXPECT_EQ(connection.prepare(insert).run(), 1);
  auto nulls = connection.prepare("SELECT count(*) FROM t WHERE a IS NULL");
  ASSERT_TRUE(nulls.step());
  EXPECT_EQ(nulls.integer(0), 1);
}

TEST_F(ConnectionTest, TheSameStatementTwiceAtATimeIsADefect) {
  Connection connection(path(), Connection::Mode::writer);
  const char* sql = "SELECT 1 UNION ALL SELECT 2";
  auto first = connection.prepare(sql);
  ASSERT_TRUE(first.step());
  EXPECT_THROW(connection.prepare(sql), SqliteError);
}

TEST_F(ConnectionTest, SettingsAreSafeOnes) {
  Connection writer(path(), Connection::Mode::writer);
  writer.execute("CREATE TABLE t (a)");
  Connection reader(path(), Connection::Mode::reader);
  EXPECT_EQ(pragma(writer, "journal_mode"), "wal");
  EXPECT_EQ(pragma(writer, "synchronous"), "2");
  EXPECT_EQ(pragma(writer, "foreign_keys"), "1");
  EXPECT_EQ(pragma(writer, "wal_autocheckpoint"), "1000");
  EXPECT_EQ(pragma(reader, "wal_autocheckpoint"), "0");
  for (Connection* connection : {&writer, &reader}) {
    EXPECT_EQ(pragma(*connection, "mmap_size"), "0");
    EXPECT_EQ(pragma(*connection, "locking_mode"), "normal");
  }
}

TEST_F(ConnectionTest, AReaderCannotWrite) {
  Connection writer(path(), Connection::Mode::writer);
  writer.execute("CREATE TABLE t (a)");
  Connection reader(path(), Connection::Mode::reader);
  EXPECT_THROW(reader.execute("INSERT INTO t VALUES (1)"), SqliteError);
  EXPECT_THROW(Connection(directory_.file("absent.db"), Connection::Mode::reader), SqliteError);
}

TEST_F(ConnectionTest, OnlyTheWriterFoldsTheLogIn) {
  {
    Connection writer(path(), Connection::Mode::writer);
    writer.execute("CREATE TABLE t (a)");
    const auto log = std::filesystem::file_size(path() + "-wal");
    ASSERT_GT(log, 0U);
    { Connection reader(path(), Connection::Mode::reader); }
    EXPECT_EQ(std::filesystem::file_size(path() + "-wal"), log);
  }
  EXPECT_FALSE(std::filesystem::exists(path() + "-wal"));
}

TEST_F(ConnectionTest, AStoredIdThatIsNoneIsDamage) {
  Connection connection(path(), Connection::Mode::writer);
  auto row = connection.prepare("SELECT 'no-id'");
  ASSERT_TRUE(row.step());
  try {
    row.uuid(0);
    FAIL() << "accepted";
  } catch (const SqliteError& error) {
    EXPECT_EQ(error.to_error().code, ErrorCode::database_unavailable);
    EXPECT_THAT(error.to_error().message, ::testing::HasSubstr("no-id"));
  }
}

TEST(SqliteErrorTest, CodesBecomeErrorsThatSayWhatToDo) {
  struct Case {
    int code;
    ErrorCode expected;
    const char* advice;
  };
  const Case cases[] = {
      {SQLITE_FULL, ErrorCode::insufficient_space, "free some"},
      {SQLITE_BUSY, ErrorCode::database_unavailable, "close that program"},
      {SQLITE_BUSY_SNAPSHOT, ErrorCode::database_unavailable, "close that program"},
      {SQLITE_LOCKED, ErrorCode::database_unavailable, "close that program"},
      {SQLITE_READONLY_DIRECTORY, ErrorCode::database_unavailable, "read-only"},
      {SQLITE_IOERR_FSYNC, ErrorCode::database_unavailable, "kernel's log"},
      {SQLITE_CANTOPEN, ErrorCode::database_unavailable, "directory"},
      {SQLITE_CORRUPT_INDEX, ErrorCode::database_unavailable, "restore the last backup"},
      {SQLITE_NOTADB, ErrorCode::database_unavailable, "configured path"},
      {SQLITE_CONSTRAINT_UNIQUE, ErrorCode::internal, "refused"},
      {SQLITE_MISUSE, ErrorCode::internal, "refused"},
  };
  for (const auto& one : cases) {
    const Error error = SqliteError(one.code, "detail").to_error();
    EXPECT_EQ(error.code, one.expected) << one.code;
    EXPECT_THAT(error.message, ::testing::HasSubstr(one.advice)) << one.code;
    EXPECT_THAT(error.message, ::testing::HasSubstr("detail")) << one.code;
  }
}

}  // namespace
}  // namespace vbs::db::testing
