// Databases that the programs of each schema version wrote (tests/tools/keep_database.py): they are
// brought to the present wherever that is killed, and hold then what they held.

#include <map>

#include "db/migrations.h"
#include "db/sealed_secrets.h"
#include "tests/unit/db/process_support.h"

namespace vbs::db::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string kept_file(int version) {
  char name[16];
  std::snprintf(name, sizeof(name), "%04d.db", version);
  return VBS_SOURCE_DIR "/tests/old_databases/" + std::string(name);
}

/// The cells of one row by column.
using Row = std::map<std::string, std::string>;
using Rows = std::map<std::string, std::vector<Row>>;  ///< by table

int add_row(void* table, int columns, char** values, char** names) {
  Row& row = static_cast<std::vector<Row>*>(table)->emplace_back();
  for (int i = 0; i < columns; ++i) row[names[i]] = values[i] != nullptr ? values[i] : "(null)";
  return 0;
}

Rows rows_of(Connection& connection) {
  Rows rows;
  auto tables = connection.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'schema_migrations'");
  while (tables.step()) {
    const std::string query = "SELECT * FROM " + tables.string(0) + " ORDER BY 1, 2";
    sqlite3_exec(connection.handle(), query.c_str(), add_row, &rows[tables.string(0)], nullptr);
  }
  // A table that comes has a row here.
  for (const Row& row : rows["sqlite_sequence"])
    rows["sqlite_sequence of " + row.at("name")] = {row};
  rows.erase("sqlite_sequence");
  return rows;
}

/// As the present schema has them, with the secrets in clear.
void bring_to_the_present(Rows& rows, const std::string& key_file) {
  const auto key = read_file(key_file);
  const auto box = key ? SecretBox::from_text(*key) : Result<SecretBox>(fail(key.error()));
  for (Row& row : rows["attachments"]) {
    if (auto clear = row.extract("chap_secret")) {
      clear.key() = "sealed_secret";
      row.insert(std::move(clear));
    }
    std::string& secret = row["sealed_secret"];
    if (!SecretBox::is_sealed(secret)) continue;
    const auto opened = box ? box->open(secret, row["uid"]) : fail(box.error());
    ASSERT_TRUE(opened) << row["uid"];
    secret = opened->reveal();
  }
}

/// Whether each of the old cells is there and as it was; columns may have come.
void expect_held(const Rows& old, const Rows& now) {
  for (const auto& [table, rows] : old) {
    ASSERT_TRUE(now.contains(table)) << table;
    ASSERT_EQ(rows.size(), now.at(table).size()) << table;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (const auto& [column, value] : rows[i])
        EXPECT_EQ(value, now.at(table)[i].at(column)) << table << "." << column;
    }
  }
}

/// SQLite's own count of the statements that this process runs, on all connections.
int statements_left = 0;
int on_statement(unsigned, void*, void*, void*) {
  if (--statements_left == 0) kill(getpid(), SIGKILL);
  return 0;
}
int on_connection(sqlite3* handle, char**, const sqlite3_api_routines*) {
  return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT, on_statement, nullptr);
}

/// In a child: opens the database as the front does, and is killed as the n-th statement begins.
bool opened_within(const std::string& path, int statements) {
  ChildProcess child([&](int, int to_parent) {
    statements_left = statements;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(on_connection));
    if (Database::open(options_for(path))) say(to_parent, "opened");
  });
  return child.hear_all() == "opened";
}

class OldDatabasesTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(kept_file(GetParam())))
        << "no database of schema version " << GetParam() << " is kept: see docs/testing.md";
    take();
    Connection connection(path(), Connection::Mode::writer);
    old_ = rows_of(connection);
    bring_to_the_present(old_, key_file());
  }
  std::string path() const { return directory_.file("old.db"); }
  std::string key_file() const { return path() + ".key"; }
  /// The kept one, as if nothing had touched it.
  void take() {
    for (const char* suffix : {"", "-wal", "-shm", "-journal", ".key"})
      std::filesystem::remove(path() + suffix);
    const std::string kept = kept_file(GetParam());
    std::filesystem::copy_file(kept, path());
    if (!std::filesystem::exists(kept + ".key")) return;
    std::filesystem::copy_file(kept + ".key", key_file());
    std::filesystem::permissions(key_file(), std::filesystem::perms(0600));
  }
  void expect_present() {
    {
      auto opened = Database::open(options_for(path()));
      ASSERT_TRUE(opened) << describe(opened.error());
      EXPECT_TRUE((*opened)->read(check_invariants)->empty());
    }
    Connection connection(path(), Connection::Mode::reader);
    Rows now = rows_of(connection);
    for (Row& row : now["attachments"])
      EXPECT_TRUE(row["sealed_secret"].empty() || SecretBox::is_sealed(row["sealed_secret"]));
    bring_to_the_present(now, key_file());
    expect_held(old_, now);
    const std::string bytes = *read_file(path(), 1 << 30);
    for (const Row& row : old_["attachments"]) {
      const std::string& secret = row.at("sealed_secret");
      if (!secret.empty()) {
        EXPECT_THAT(bytes, Not(HasSubstr(secret)));
      }
    }
  }

  TemporaryDirectory directory_;
  Rows old_;
};

TEST_P(OldDatabasesTest, HoldsRowsOfEveryKind) {
  Connection connection(path(), Connection::Mode::writer);
  const auto values = [&](const std::string& query) {
    auto found = connection.prepare("SELECT group_concat(s) FROM (" + query + " ORDER BY s)");
    found.step();
    return found.string(0);
  };
  EXPECT_EQ(values("SELECT max(version) AS s FROM schema_migrations"), std::to_string(GetParam()));
  EXPECT_EQ(values("SELECT DISTINCT state AS s FROM volumes"), "available,deleted,error,in-use");
  EXPECT_EQ(values("SELECT DISTINCT state AS s FROM snapshots"), "available,deleted,error");
  EXPECT_EQ(values("SELECT DISTINCT state AS s FROM attachments"), "attached,closed,reserved");
  EXPECT_EQ(values("SELECT DISTINCT state AS s FROM operations"),
            "cancelled,running,succeeded,undoing");
  EXPECT_THAT(values("SELECT kind AS s FROM operations WHERE ended_at IS NULL"),
              HasSubstr("attach-volume,create-snapshot,create-volume,create-volume,delete-volume,"
                        "detach-volume"));
  for (const auto& [table, rows] : old_) EXPECT_FALSE(rows.empty()) << table;
}

TEST_P(OldDatabasesTest, GivesNoNumberAgainWhenItIsPutBack) {
  Connection(path(), Connection::Mode::writer).execute("PRAGMA user_version = 1");  // a backup
  const std::int64_t now = to_millis(SystemClock().wall());
  ASSERT_TRUE(Database::open(options_for(path())));
  Connection connection(path(), Connection::Mode::reader);
  auto numbers = connection.prepare(
      "SELECT (SELECT min(seq) FROM sqlite_sequence WHERE name IN ('operations', 'audit_records')),"
      " (SELECT min(seq) FROM audit_records)");
  numbers.step();
  EXPECT_GE(numbers.integer(0), now);
  if (!old_.contains("audit_records")) {
    EXPECT_GT(numbers.integer(1), now) << "what migration gave may have been given before";
  }
}

TEST_P(OldDatabasesTest, ComesToThePresentWhereverItIsKilled) {
  int killed = 0;
  while (!opened_within(path(), killed + 1)) {
    ++killed;
    ASSERT_NO_FATAL_FAILURE(expect_present()) << "killed at statement " << killed;
    ASSERT_FALSE(HasFailure()) << "killed at statement " << killed;
    take();
  }
  expect_present();
  std::cout << "killed at " << killed << " statements\n";
  EXPECT_GT(killed, 10);
}

INSTANTIATE_TEST_SUITE_P(Schema, OldDatabasesTest,
                         ::testing::Range(1, static_cast<int>(known_migrations().size()) + 1));

}  // namespace
}  // namespace vbs::db::testing
