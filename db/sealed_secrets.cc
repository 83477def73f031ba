#include "db/sealed_secrets.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "common/file.h"
#include "common/log.h"
#include "common/secret_file.h"

namespace vbs::db {
namespace {

constexpr std::string_view kWhat = "database_key_file";
constexpr unsigned kOwnerOnly = 0600;

struct Row {
  std::string id;
  Secret text;  ///< in clear or sealed
  bool is_sealed() const { return SecretBox::is_sealed(text.reveal()); }
};

std::vector<Row> read_rows(Connection& connection) {
  std::vector<Row> rows;
  auto query = connection.prepare(
      "SELECT uid, sealed_secret FROM attachments WHERE state <> 'closed' AND sealed_secret <> ''");
  while (query.step()) rows.push_back({query.string(0), Secret(query.string(1))});
  return rows;
}

bool is_marked(Connection& connection) {
  auto query = connection.prepare("PRAGMA application_id");
  query.step();
  return query.integer(0) == kClearSecretsMark;
}

std::string to_do(const std::string& key_file) {
  return "; put the right file back to " + key_file +
         " from where it was backed up, or see the operator guide, The key of the database";
}

Result<void> make_key_file(const std::string& path) {
  SystemRandom random;
  auto made = write_file_durably(path, SecretBox::new_key_text(random).reveal(), kOwnerOnly);
  if (!made) return fail(made.error());
  log::info("made a key for the secrets in the database; back it up apart from the database",
            {{"key_file", path}});
  return {};
}

Result<SecretBox> load_box(const std::string& key_file, bool is_needed) {
  std::error_code ignored;
  if (!std::filesystem::exists(key_file, ignored)) {
    if (is_needed) {
      return fail(ErrorCode::database_unavailable,
                  "it holds secrets that are sealed, and their key is not there" + to_do(key_file));
    }
    if (auto made = make_key_file(key_file); !made) return fail(made.error());
  }
  const auto text = read_private_file(key_file, kWhat);
  if (!text) return fail(text.error());
  auto box = SecretBox::from_text(text->reveal());
  if (box) return box;
  return fail(ErrorCode::invalid_field,
              std::string(kWhat) + " " + key_file + " " + box.error().message);
}

/// Makes every row's text the secret itself.
Result<void> open_all(std::vector<Row>& rows, const SecretBox& box, bool clear_ones_are_right,
                      const std::string& key_file) {
  for (Row& row : rows) {
    if (!row.is_sealed() && clear_ones_are_right) continue;
    auto secret = box.open(row.text.reveal(), row.id);
    if (!secret) {
      return fail(
          ErrorCode::database_unavailable,
          "the secret of attachment " + row.id + " was sealed with another key" + to_do(key_file));
    }
    row.text = *std::move(secret);
  }
  return {};
}

void seal_all(Connection& writer, const std::vector<Row>& rows, const SecretBox& box) {
  SystemRandom random;
  writer.execute("BEGIN IMMEDIATE");
  try {
    for (const Row& row : rows) {
      writer.prepare("UPDATE attachments SET sealed_secret = ? WHERE uid = ?")
          .bind(box.seal(row.text, row.id, random))
          .bind(row.id)
          .run();
    }
    writer.execute("COMMIT");
  } catch (const SqliteError&) {
    // A full disk has rolled back already; ROLLBACK then has nothing to do and says so.
    sqlite3_exec(writer.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

/// Neither free pages nor the log keep what rows once held: the file is written anew, then the log
/// is emptied.
void forget_old_texts(Connection& writer) {
  writer.execute("VACUUM");
  {
    auto checkpoint = writer.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
    if (!checkpoint.step() || checkpoint.integer(0) != 0)
      throw SqliteError(SQLITE_BUSY, "its log cannot be emptied");
  }
  writer.execute("PRAGMA application_id = 0");
}

}  // namespace

Result<SecretBox> open_box(Connection& writer, const std::string& key_file) {
  const bool marked = is_marked(writer);
  std::vector<Row> rows = read_rows(writer);
  const bool any_sealed =
      std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.is_sealed(); });
  auto box = load_box(key_file, any_sealed);
  if (!box) return box;
  if (auto ok = open_all(rows, *box, marked, key_file); !ok) return fail(ok.error());
  if (!marked && !box->has_older_keys()) return box;
  seal_all(writer, rows, *box);
  forget_old_texts(writer);
  return box;
}

}  // namespace vbs::db
