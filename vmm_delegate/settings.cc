#include "vmm_delegate/settings.h"

#include "common/config.h"
#include "common/log_settings.h"
#include "common/names.h"

namespace vbs::vmm_delegate {
namespace {

void read_name(config::Table& table, Settings& settings) {
  settings.name = table.string("name");
  if (auto good = check_node_name(settings.name, "name"); !good) {
    table.reject("name", good.error().message);
  }
}

std::string read_absolute(config::Table& table, std::string_view key) {
  std::string path = table.string(key);
  if (!path.starts_with('/')) table.reject(key, "must be an absolute path");
  return path;
}

Result<Settings> read(config::Table table) {
  Settings settings;
  read_name(table, settings);
  settings.link = http::read_delegate_link(table, "127.0.0.1:7720");
  settings.token_file = read_absolute(table, "token_file");
  settings.state_dir = read_absolute(table, "state_dir");
  settings.log = log::read_settings("vbs-vmmd", table);
  settings.initiator = read_initiator(table, settings.name);
  config::Table hypervisor = table.table("hypervisor");
  settings.hypervisor = HypervisorSettings::read(hypervisor);
  if (settings.hypervisor.host_disks && settings.initiator.driver == "vm") {
    table.table("initiator")
        .reject("driver", "must be \"open_iscsi\" for hypervisor.driver \"" +
                              settings.hypervisor.driver + "\", whose VMs get disks of the host");
  }
  if (auto finished = table.finish(); !finished) return fail(finished.error());
  return settings;
}

}  // namespace

Result<Settings> Settings::load(const std::string& path) {
  return config::Table::load(path).and_then(read);
}

Result<Settings> Settings::parse(std::string_view text) {
  return config::Table::parse(text).and_then(read);
}

std::string Settings::helper_log() const {
  return log.file.empty() ? state_dir + "/vbs-thaw.log" : log.file;
}

}  // namespace vbs::vmm_delegate
