#include "volume_delegate/target/target_settings.h"

#include "common/config.h"
#include "volume_delegate/target/export_identity.h"

namespace vbs::volume_delegate {
namespace {

std::string read_path(config::Table& table, std::string_view key, const std::string& fallback) {
  std::string path = table.string_or(key, fallback);
  if (!path.starts_with('/') || path.ends_with('/')) {
    table.reject(key, "must be an absolute path without a '/' at its end");
  }
  return path;
}

}  // namespace

TargetSettings read_target_settings(config::Table table, const std::string& state_dir) {
  TargetSettings settings;
  settings.driver = table.string_or("driver", "tgt");
  const bool known =
      settings.driver == "tgt" || settings.driver == "lio" || settings.driver == "iet";
  if (!known) table.reject("driver", "must be \"tgt\", \"lio\" or \"iet\"");
  const auto portal = Portal::parse(table.string("portal"));
  if (!portal) table.reject("portal", portal.error().message);
  settings.iqn_prefix = table.string_or("iqn_prefix", "iqn.2026-01.vbs");
  if (auto ok = check_iqn_prefix(settings.iqn_prefix); !ok) {
    table.reject("iqn_prefix", ok.error().message);
  }
  settings.tgt.folder = state_dir + "/tgt";
  settings.tgt.portal = settings.lio.portal = settings.iet.portal = portal.value_or(Portal{});
  settings.tgt.control_port = static_cast<int>(table.integer_or("control_port", 1, 1, 32767));
  settings.tgt.threads = static_cast<int>(table.integer_or("threads", 2, 1, 64));
  settings.lio.configfs = read_path(table, "configfs", settings.lio.configfs);
  settings.iet.config = read_path(table, "iet_config", settings.iet.config);
  return settings;
}

}  // namespace vbs::volume_delegate
