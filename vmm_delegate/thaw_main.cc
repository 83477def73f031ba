// vbs-thaw: ends one freeze when its lease runs out, whatever happened to vbs-vmmd, which starts
// it.

#include <CLI/CLI.hpp>
#include <iostream>

#include "vmm_delegate/program.h"

namespace {

constexpr int kUsageError = 2;

int complain(const vbs::Error& error) {
  std::cerr << "vbs-thaw: " << error.message << "\n";
  vbs::log::error("cannot watch a lease", {{"error", vbs::describe(error)}});
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"vbs-thaw, started by vbs-vmmd: ends a freeze when its lease runs out"};
  app.set_version_flag("--version", "vbs-thaw " VBS_VERSION);
  std::string config;
  std::string freeze;
  app.add_option("--config", config, "configuration file of vbs-vmmd")->required();
  app.add_option("--freeze", freeze, "id of the freeze")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  const auto id = vbs::Uuid::parse(freeze);
  if (!id) {
    std::cerr << "vbs-thaw: --freeze must be a UUID\n";
    return kUsageError;
  }
  const auto settings = vbs::vmm_delegate::Settings::load(config);
  if (!settings) return complain(settings.error());
  const auto ended = vbs::vmm_delegate::run_lease_helper(*settings, *id);
  return ended ? 0 : complain(ended.error());
}
