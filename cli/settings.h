#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "common/http/tls.h"
#include "common/secret.h"

namespace vbs::cli {

enum class OutputFormat { table, json };

/// Where the service is, who asks, and how answers are shown. In order of precedence: options,
/// VBS_URL and VBS_TOKEN, the configuration file, defaults. The file is the one VBS_CONFIG names
/// (which must exist) or ~/.config/vbs/config.toml (which may be absent).
struct Settings {
  std::string url = "http://127.0.0.1:7700";  ///< http or https, no trailing slash
  Secret token;                               ///< empty: none is sent
  http::TlsOptions tls;  ///< for https; without ca_file the system's CAs are believed
  OutputFormat output = OutputFormat::table;
  bool quiet = false;
  std::vector<std::string> warnings;  ///< to be shown to the user, once
};

/// Reads an environment variable; "" if unset.
using Environment = std::function<std::string(const std::string&)>;

/// Errors: invalid_field for a value that cannot be (a token for plain HTTP beyond loopback is
/// one), not_found for a file that was asked for by name.
Result<Settings> load_settings(const Arguments& arguments, const Environment& environment);

/// "http://host[:port][/prefix]" without user, query or fragment; gives it without trailing slash.
Result<std::string> check_url(const std::string& url);

}  // namespace vbs::cli
