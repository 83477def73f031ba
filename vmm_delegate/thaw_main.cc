// vbs-thaw: ends one freeze when its lease runs out, whatever happened to vbs-vmmd, which starts
// it.

#include <iostream>
#include <string_view>
#include <vector>

#include "vmm_delegate/program.h"

namespace {

constexpr int kUsageError = 2;
constexpr std::string_view kUsage =
    "vbs-thaw --config FILE --freeze ID\n"
    "Started by vbs-vmmd, with its configuration file, to end one freeze when its lease runs "
    "out.\n";

int complain(const vbs::Error& error) {
  std::cerr << "vbs-thaw: " << error.message << "\n";
  vbs::log::error("cannot watch a lease", {{"error", vbs::describe(error)}});
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--version") {
    std::cout << "vbs-thaw " VBS_VERSION "\n";
    return 0;
  }
  if (arguments.size() == 1 && arguments[0] == "--help") {
    std::cout << kUsage;
    return 0;
  }
  const bool complete =
      arguments.size() == 4 && arguments[0] == "--config" && arguments[2] == "--freeze";
  const auto freeze = complete ? vbs::Uuid::parse(arguments[3]) : std::nullopt;
  if (!freeze) {
    std::cerr << kUsage;
    return kUsageError;
  }
  const auto settings = vbs::vmm_delegate::Settings::load(std::string(arguments[1]));
  if (!settings) return complain(settings.error());
  const auto ended = vbs::vmm_delegate::run_lease_helper(*settings, *freeze);
  return ended ? 0 : complain(ended.error());
}
