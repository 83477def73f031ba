#include "volume_delegate/settings.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/config.h"
#include "common/file.h"
#include "common/names.h"
#include "volume_delegate/plain_path.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::size_t kTokenLimit = 4096;
constexpr std::size_t kMinToken = 16;

log::Options read_log(config::Table& root) {
  log::Options options;
  options.program = "vbs-volumed";
  options.file = root.string_or("log_file", "");
  const std::string level = root.string_or("log_level", "info");
  if (level == "debug")
    options.level = log::Level::debug;
  else if (level == "info")
    options.level = log::Level::info;
  else if (level == "warning")
    options.level = log::Level::warning;
  else if (level == "error")
    options.level = log::Level::error;
  else
    root.reject("log_level", "must be debug, info, warning or error");
  return options;
}

Result<Settings> read(config::Table& root) {
  Settings settings;
  settings.name = root.string("name");
  if (auto ok = check_node_name(settings.name, "name"); !ok)
    root.reject("name", ok.error().message);
  settings.link = http::read_delegate_link(root, "127.0.0.1:7710");
  settings.token_file = root.string("token_file");
  settings.state_dir = read_folder(root, "state_dir");
  settings.copy_threads = static_cast<unsigned>(root.integer_or("copy_threads", 2, 1, 64));
  settings.log = read_log(root);
  settings.store = read_store_settings(root.table("store"));
  settings.target = read_target_settings(root.table("target"), settings.state_dir);
  if (auto ok = root.finish(); !ok) return fail(ok.error());
  return settings;
}

}  // namespace

Result<Settings> load_settings(const std::string& path) {
  auto table = config::Table::load(path);
  if (!table) return fail(table.error());
  return read(*table);
}

Result<Settings> parse_settings(std::string_view text, const std::string& name) {
  auto table = config::Table::parse(text, name);
  if (!table) return fail(table.error());
  return read(*table);
}

Result<Secret> read_token(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(ErrorCode::invalid_field,
                "cannot read token_file " + path + ": " + errno_text(errno));
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorCode::invalid_field,
                "token_file " + path + " can be used by others than its owner; `chmod 600` it");
  }
  auto text = read_file(path, kTokenLimit);
  if (!text) return fail(text.error());
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
  const bool printable =
      std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c < 127; });
  if (text->size() < kMinToken || !printable) {
    return fail(ErrorCode::invalid_field,
                "token_file " + path + " must hold one word of at least 16 printable characters");
  }
  return Secret(std::move(*text));
}

}  // namespace vbs::volume_delegate
