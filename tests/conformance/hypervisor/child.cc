#include "tests/conformance/hypervisor/child.h"

#include <fstream>
#include <iostream>

#include "common/process.h"
#include "tests/conformance/hypervisor/rig.h"
#include "tests/unit/common/support.h"

namespace vbs::conformance {
namespace {

constexpr std::string_view kFlag = "--in-child";
constexpr int kArguments = 6;  // program, flag, configuration, attachment, spec, host path
constexpr int kKilled = 128 + 9;

}  // namespace

bool killed_at(const std::string& point, const std::string& configuration, const Uuid& attachment,
               const wire::DeviceSpec& spec, const std::string& host_path) {
  const test::TempDir folder;
  std::ofstream(folder.path("configuration")) << configuration;
  json::Writer out;
  spec.to_json(out);
  std::ofstream(folder.path("spec")) << out.take();
  process::Command command;
  command.argv = {std::filesystem::read_symlink("/proc/self/exe").string(),
                  std::string(kFlag),
                  folder.path("configuration"),
                  attachment.str(),
                  folder.path("spec"),
                  host_path};
  command.environment["VBS_FAULT"] = point + "=kill";
  const auto outcome = process::run(command);
  if (outcome && outcome->exit_code == kKilled) return true;
  std::cerr << (outcome ? outcome->err : outcome.error().message) << "\n";
  return false;
}

bool is_child(int argc, char** argv) {
  return argc == kArguments && argv[1] == kFlag;
}

int run_child(char** argv) {
  const auto driver = make_driver(test::slurp(argv[2]));
  const auto attachment = Uuid::parse(argv[3]);
  const auto value = json::parse(test::slurp(argv[4]));
  if (!driver || !attachment || !value) return 2;
  const std::string vm = *value->find("vm")->as<std::string>();
  const std::string device = *value->find("device")->as<std::string>();
  if (device.empty()) {
    const auto detached = driver->detach(vm, *attachment);
    if (!detached) std::cerr << describe(detached.error()) << "\n";
    return 1;
  }
  const auto spec = wire::DeviceSpec::from_json(*value);
  if (!spec) {
    std::cerr << describe(spec.error()) << "\n";
    return 2;
  }
  const auto attached = driver->attach(*attachment, *spec, argv[5]);
  if (!attached) std::cerr << describe(attached.error()) << "\n";
  return 1;
}

}  // namespace vbs::conformance
