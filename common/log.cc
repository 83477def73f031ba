#include "common/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>
#include <mutex>

#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"

namespace vbs::log {
namespace {

/// What `start` set up; empty before.
struct State {
  std::mutex mutex;
  Options options;
  std::shared_ptr<spdlog::logger> logger;
};

State& state() {
  // Never destroyed: a thread may log while the program ends.
  static State* const only = new State;
  return *only;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string json_line(Level level, const std::string& program, std::string_view message,
                      std::initializer_list<Field> fields) {
  json::Writer out;
  out.begin_object();
  out.member("time", to_rfc3339(SystemClock().wall()));
  out.member("level", level_name(level));
  out.member("program", program);
  out.member("message", message);
  for (const Field& field : fields) {
    out.key(field.key);
    field.is_number ? out.raw(field.value) : out.string(field.value);
  }
  out.end_object();
  return out.take();
}

std::shared_ptr<spdlog::logger> make_logger(const Options& options, spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>(options.program, std::move(sink));
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc));
  logger->set_level(spdlog_level(options.level));
  logger->flush_on(spdlog::level::trace);  // a killed process keeps what it said
  return logger;
}

std::shared_ptr<spdlog::logger> stderr_logger(const Options& options) {
  return make_logger(options, std::make_shared<spdlog::sinks::stderr_sink_mt>());
}

// A log file that cannot be opened must not stop a service: the lines go to standard error, where
// the first one says so.
std::shared_ptr<spdlog::logger> open_logger(const Options& options) {
  if (options.file.empty()) return stderr_logger(options);
  try {
    return make_logger(options, std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file));
  } catch (const spdlog::spdlog_ex& exception) {
    auto logger = stderr_logger(options);
    logger->error(json_line(Level::error, options.program,
                            "cannot open the log file, logging to standard error",
                            {{"file", options.file}, {"reason", exception.what()}}));
    return logger;
  }
}

}  // namespace

void start(const Options& options) {
  State& log = state();
  const std::lock_guard lock(log.mutex);
  log.options = options;
  log.logger = open_logger(options);
}

void reopen() {
  State& log = state();
  const std::lock_guard lock(log.mutex);
  if (log.logger) log.logger = open_logger(log.options);
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  State& log = state();
  std::shared_ptr<spdlog::logger> logger;
  std::string program;
  {
    const std::lock_guard lock(log.mutex);
    if (!log.logger || !log.logger->should_log(spdlog_level(level))) return;
    logger = log.logger;
    program = log.options.program;
  }
  logger->log(spdlog_level(level), json_line(level, program, message, fields));
}

}  // namespace vbs::log
