// vbs-vmmd: the delegate on a VMM node.

#include <CLI/CLI.hpp>
#include <iostream>

#include "vmm_delegate/program.h"

namespace {

constexpr int kUsageError = 2;

int complain(const vbs::Error& error) {
  std::cerr << "vbs-vmmd: " << error.message << "\n";
  vbs::log::error("cannot start", {{"error", vbs::describe(error)}});
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"vbs-vmmd, the VBS delegate on a VMM node: shows volumes to virtual machines"};
  app.set_version_flag("--version", "vbs-vmmd " VBS_VERSION);
  std::string config = "/etc/vbs/vbs-vmmd.toml";
  bool check_config = false;
  app.add_option("--config", config, "configuration file")->capture_default_str();
  app.add_flag("--check-config", check_config, "read the configuration and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  const auto settings = vbs::vmm_delegate::Settings::load(config);
  if (!settings) return complain(settings.error());
  if (check_config) {
    std::cout << config << " is right\n";
    return 0;
  }
  const auto ended = vbs::vmm_delegate::run(*settings, config);
  return ended ? 0 : complain(ended.error());
}
