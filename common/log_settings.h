#pragma once

#include <string>

#include "common/config.h"
#include "common/log.h"

namespace vbs::log {

/// How a program logs: `log_file` and `log_level` of its configuration. Problems are reported into
/// `root`.
Options read_settings(std::string program, config::Table& root);

}  // namespace vbs::log
