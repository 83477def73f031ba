#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"

namespace vbs::db {

/// Thrown inside db jobs by Connection and Statement, so that table code reads straight; caught in
/// Database::read and Database::write, which turn it into an Error. It never leaves the layer.
class SqliteError : public std::runtime_error {
 public:
  SqliteError(int extended_code, const std::string& message)
      : std::runtime_error(message), code_(extended_code) {}
  int code() const { return code_; }
  /// full -> insufficient_space; busy, locked, read-only, i/o, corrupt -> database_unavailable;
  /// the rest -> internal. The message says what an operator can do.
  Error to_error() const;

 private:
  int code_;
};

/// One run of a prepared statement; resets it when it goes. Parameters are numbered from 1 in order
/// of the `bind` calls. Not thread-safe: belongs to its connection's thread.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(std::int64_t value);
  Statement& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(bool value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(std::string_view value);
  Statement& bind(const std::string& value) { return bind(std::string_view(value)); }
  Statement& bind(const char* value) { return bind(std::string_view(value)); }
  Statement& bind(const Uuid& value);  ///< nil binds NULL
  Statement& bind(WallTime value) { return bind(to_millis(value)); }
  Statement& bind(const std::optional<std::string>& value);
  Statement& bind(const std::optional<WallTime>& value);
  Statement& bind_null();

  /// True while there is a row.
  bool step();
  /// For statements without rows; returns the number of rows changed.
  int run();

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  ///< valid until the next step
  std::string string(int column) const { return std::string(text(column)); }
  std::optional<std::string> optional_string(int column) const;
  Uuid uuid(int column) const;  ///< NULL gives nil
  WallTime time(int column) const { return from_millis(integer(column)); }
  std::optional<WallTime> optional_time(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_;
  int next_parameter_ = 1;
};

/// One SQLite connection with its statement cache. WAL, synchronous=FULL, foreign keys on, no mmap.
/// Not thread-safe, and never carried over a fork.
class Connection {
 public:
  enum class Mode {
    writer,  ///< the only one that writes and checkpoints
    reader,  ///< query_only, never checkpoints
  };
  /// Throws SqliteError.
  Connection(const std::string& path, Mode mode);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// A persistent statement, cached by its text: texts must be few and fixed, values are bound. The
  /// same text cannot be in use twice at a time.
  Statement prepare(std::string_view sql);
  /// One or several statements without parameters.
  void execute(const std::string& sql);
  std::int64_t last_insert_rowid() const;
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct CloseHandle {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using CachedStatement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

  void set_up_writer();
  void set_up_reader();

  std::unique_ptr<sqlite3, CloseHandle> handle_;
  std::unordered_map<std::string, CachedStatement, TextHash, std::equal_to<>> cache_;
};

}  // namespace vbs::db
