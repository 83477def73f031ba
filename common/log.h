#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace vbs::log {

enum class Level { debug, info, warning, error };

/// One member of a log line. Values are strings or integers; secrets have no conversion.
struct Field {
  Field(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  Field(std::string_view field_key, const std::string& text) : key(field_key), value(text) {}
  Field(std::string_view field_key, const char* text) : key(field_key), value(text) {}
  Field(std::string_view field_key, std::int64_t number)
      : key(field_key), value(std::to_string(number)), is_number(true) {}
  std::string_view key;
  std::string value;
  bool is_number = false;
};

struct Options {
  std::string program;  ///< "vbsd"
  std::string file;     ///< "" for standard error
  Level level = Level::info;
};

/// Call once at start. Before it, and in tests, lines go nowhere.
void start(const Options& options);
/// Reopens the file, for log rotation (SIGHUP).
void reopen();

/// Writes one JSON line: time, level, program, message, then the fields. Thread-safe.
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});
inline void debug(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::debug, m, f);
}
inline void info(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::info, m, f);
}
inline void warning(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::warning, m, f);
}
inline void error(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::error, m, f);
}

}  // namespace vbs::log
