#include "common/log_settings.h"

#include <map>
#include <utility>

#include "common/text.h"

namespace vbs::log {

Options read_settings(std::string program, config::Table& root) {
  static const std::map<std::string, Level> kLevels{{"debug", Level::debug},
                                                    {"info", Level::info},
                                                    {"warning", Level::warning},
                                                    {"error", Level::error}};
  Options options;
  options.program = std::move(program);
  options.file = root.string_or("log_file", "");
  const std::string level = root.string_or("log_level", "info");
  if (const auto found = kLevels.find(level); found != kLevels.end()) {
    options.level = found->second;
  } else {
    root.reject("log_level", "must be debug, info, warning or error, got " + quote(level));
  }
  return options;
}

}  // namespace vbs::log
