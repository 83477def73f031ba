#include "volume_delegate/settings.h"

#include <utility>

#include "common/config.h"
#include "common/log_settings.h"
#include "common/names.h"
#include "volume_delegate/plain_path.h"

namespace vbs::volume_delegate {
namespace {

Result<Settings> read(config::Table root) {
  Settings settings;
  settings.name = root.string("name");
  if (auto ok = check_node_name(settings.name, "name"); !ok)
    root.reject("name", ok.error().message);
  settings.link = http::read_delegate_link(root, "127.0.0.1:7710");
  settings.token_file = root.string("token_file");
  settings.state_dir = read_folder(root, "state_dir");
  settings.copy_threads = static_cast<unsigned>(root.integer_or("copy_threads", 2, 1, 64));
  settings.log = log::read_settings("vbs-volumed", root);
  settings.store = read_store_settings(root.table("store"));
  settings.target = read_target_settings(root.table("target"), settings.state_dir);
  if (auto ok = root.finish(); !ok) return fail(ok.error());
  return settings;
}

}  // namespace

Result<Settings> load_settings(const std::string& path) {
  return config::Table::load(path).and_then(read);
}

Result<Settings> parse_settings(std::string_view text, const std::string& name) {
  return config::Table::parse(text, name).and_then(read);
}

}  // namespace vbs::volume_delegate
