#include "cli/settings.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/config.h"
#include "common/file.h"
#include "common/http/client.h"

namespace vbs::cli {
namespace {

constexpr std::size_t kTokenFileLimit = 4096;
constexpr std::size_t kTokenLimit = 1024;
constexpr std::size_t kUrlLimit = 1024;

/// What the configuration file says; empty members where it says nothing.
struct FileSettings {
  std::string url;
  std::string token;
  std::string token_file;
  http::TlsOptions tls;
  std::string output;
};

/// A secret that others on this machine can read is worth a word, not a refusal.
void warn_if_readable_by_others(const std::string& path, std::vector<std::string>& warnings) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || (status.st_mode & (S_IRGRP | S_IROTH)) == 0) return;
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
  warnings.push_back(path + " holds a token and can be read by others (mode " + mode.data() +
                     "): chmod 600 it");
}

Result<Secret> check_token(std::string text, const std::string& origin) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (text.empty() || text.size() > kTokenLimit || !printable) {
    return fail_field("token", origin + " holds no token: expected one line of 1 to " +
                                   std::to_string(kTokenLimit) +
                                   " printable ASCII characters without spaces");
  }
  return Secret(std::move(text));
}

Result<Secret> read_token(const std::string& path, std::vector<std::string>& warnings) {
  auto text = read_file(path, kTokenFileLimit);
  if (!text) return fail(text.error());
  warn_if_readable_by_others(path, warnings);
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  return check_token(std::move(*text), path);
}

/// "~/x" as people write it in a configuration file.
std::string expand_home(const std::string& path, const Environment& environment) {
  return path.starts_with("~/") ? environment("HOME") + path.substr(1) : path;
}

Result<FileSettings> read_config(const Environment& environment,
                                 std::vector<std::string>& warnings) {
  const std::string named = environment("VBS_CONFIG");
  const std::string path = named.empty() ? environment("HOME") + "/.config/vbs/config.toml" : named;
  auto table = config::Table::load(path);
  if (!table) {
    if (named.empty() && table.error().code == ErrorCode::not_found) return FileSettings{};
    return fail(table.error());
  }
  FileSettings file;
  file.url = table->string_or("url", "");
  file.token = table->string_or("token", "");
  file.token_file = table->string_or("token_file", "");
  file.tls.certificate_file = table->string_or("certificate", "");
  file.tls.key_file = table->string_or("key", "");
  file.tls.ca_file = table->string_or("ca", "");
  file.output = table->string_or("output", "");
  if (!file.token.empty() && !file.token_file.empty()) {
    table->reject("token_file", "cannot stand beside token");
  }
  if (!file.output.empty() && file.output != "table" && file.output != "json") {
    table->reject("output", "must be table or json");
  }
  if (auto read = table->finish(); !read) return fail(read.error());
  if (!file.token.empty()) warn_if_readable_by_others(path, warnings);
  for (std::string* place :
       {&file.token_file, &file.tls.certificate_file, &file.tls.key_file, &file.tls.ca_file}) {
    *place = expand_home(*place, environment);
  }
  return file;
}

Result<Secret> choose_token(const Arguments& arguments, const Environment& environment,
                            const FileSettings& file, std::vector<std::string>& warnings) {
  if (const auto path = arguments.value("--token-file")) return read_token(*path, warnings);
  if (auto token = environment("VBS_TOKEN"); !token.empty()) {
    return check_token(std::move(token), "VBS_TOKEN");
  }
  if (!file.token.empty()) return check_token(file.token, "the configuration file");
  if (!file.token_file.empty()) return read_token(file.token_file, warnings);
  return Secret();
}

Result<http::TlsOptions> choose_tls(const Arguments& arguments, const FileSettings& file) {
  http::TlsOptions tls;
  tls.certificate_file = arguments.value("--certificate").value_or(file.tls.certificate_file);
  tls.key_file = arguments.value("--key").value_or(file.tls.key_file);
  tls.ca_file = arguments.value("--ca").value_or(file.tls.ca_file);
  if (tls.certificate_file.empty() == tls.key_file.empty()) return tls;
  return fail(ErrorCode::invalid_field,
              "a certificate and its key go together; one of the two is missing");
}

/// Who can listen on the way would have the token.
Result<void> check_secrecy(const Settings& settings) {
  constexpr std::string_view kPlain = "http://";
  if (settings.token.empty() || !settings.url.starts_with(kPlain)) return {};
  const auto endpoint =
      http::Endpoint::parse(settings.url.substr(0, settings.url.find('/', kPlain.size())));
  if (endpoint && http::is_loopback(endpoint->host)) return {};
  return fail(ErrorCode::invalid_field,
              settings.url + " would carry the token in clear; beyond loopback use https://");
}

bool is_url_character(char c) {
  constexpr std::string_view kOthers = "-._~:/[]%";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != std::string_view::npos;
}

}  // namespace

Result<std::string> check_url(const std::string& url) {
  std::string trimmed = url;
  while (trimmed.ends_with('/')) trimmed.pop_back();
  std::string_view rest = trimmed;
  bool valid = trimmed.size() <= kUrlLimit;
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else {
    valid = false;
  }
  valid = valid && !rest.empty() && rest[0] != '/' && rest[0] != ':' &&
          std::all_of(rest.begin(), rest.end(), is_url_character);
  if (valid) return trimmed;
  return fail_field("url", "must be like http://127.0.0.1:7700, without user, query or fragment");
}

Result<Settings> load_settings(const Arguments& arguments, const Environment& environment) {
  Settings settings;
  auto file = read_config(environment, settings.warnings);
  if (!file) return fail(file.error());

  std::string url = file->url.empty() ? settings.url : file->url;
  if (const auto from_environment = environment("VBS_URL"); !from_environment.empty()) {
    url = from_environment;
  }
  auto checked = check_url(arguments.value("--url").value_or(url));
  if (!checked) return fail(checked.error());
  settings.url = std::move(*checked);

  auto token = choose_token(arguments, environment, *file, settings.warnings);
  if (!token) return fail(token.error());
  settings.token = std::move(*token);

  if (auto ok = check_secrecy(settings); !ok) return fail(ok.error());
  auto tls = choose_tls(arguments, *file);
  if (!tls) return fail(tls.error());
  settings.tls = std::move(*tls);

  const std::string output = arguments.value("--output").value_or(file->output);
  settings.output = output == "json" ? OutputFormat::json : OutputFormat::table;
  settings.quiet = arguments.has("--quiet");
  return settings;
}

}  // namespace vbs::cli
