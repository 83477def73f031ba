#include <utility>

#include "db/connection.h"
#include "db/sqlite_error.h"

namespace vbs::db {
namespace {

void check_bound(sqlite3_stmt* statement, int code) {
  if (code != SQLITE_OK) throw_last_error(sqlite3_db_handle(statement));
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)),
      next_parameter_(other.next_parameter_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  // The code of reset is that of the last step, which has been reported already.
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind(std::int64_t value) {
  check_bound(statement_, sqlite3_bind_int64(statement_, next_parameter_++, value));
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  // A null pointer would bind NULL, and an empty view may have one.
  const char* text = value.empty() ? "" : value.data();
  check_bound(statement_, sqlite3_bind_text64(statement_, next_parameter_++, text, value.size(),
                                              SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(const Uuid& value) {
  if (value.is_nil()) return bind_null();
  return bind(value.str());
}

Statement& Statement::bind(const std::optional<std::string>& value) {
  if (!value) return bind_null();
  return bind(std::string_view(*value));
}

Statement& Statement::bind(const std::optional<WallTime>& value) {
  if (!value) return bind_null();
  return bind(*value);
}

Statement& Statement::bind_null() {
  check_bound(statement_, sqlite3_bind_null(statement_, next_parameter_++));
  return *this;
}

bool Statement::step() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      throw_last_error(sqlite3_db_handle(statement_));
  }
}

int Statement::run() {
  while (step()) {
  }
  return sqlite3_changes(sqlite3_db_handle(statement_));
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::optional<std::string> Statement::optional_string(int column) const {
  if (is_null(column)) return std::nullopt;
  return string(column);
}

Uuid Statement::uuid(int column) const {
  if (is_null(column)) return {};
  auto id = Uuid::parse(text(column));
  if (!id) throw_corrupt("id", text(column));
  return *id;
}

std::optional<WallTime> Statement::optional_time(int column) const {
  if (is_null(column)) return std::nullopt;
  return time(column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

}  // namespace vbs::db
