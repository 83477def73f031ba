#include "volume_delegate/settings.h"

#include <utility>

#include "common/config.h"
#include "common/names.h"
#include "volume_delegate/plain_path.h"

namespace vbs::volume_delegate {
namespace {

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

}  // namespace vbs::volume_delegate
