#include "tests/conformance/target/rig.h"

#include <cstdlib>

#include "tests/unit/volume_delegate/tgt_support.h"

namespace vbs::conformance {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

}  // namespace

volume_delegate::TargetSettings settings_for(const std::string& folder,
                                             const volume_delegate::Portal& portal) {
  volume_delegate::TargetSettings settings;
  settings.driver = variable("VBS_CONFORMANCE_DRIVER");
  settings.iqn_prefix = "iqn.2026-01.vbs";
  settings.tgt.folder = folder + "/tgt";
  settings.tgt.portal = settings.lio.portal = settings.iet.portal = portal;
  settings.iet.program = folder + "/iet/ietadm";
  settings.iet.proc = folder + "/iet/proc";
  settings.iet.config = folder + "/iet/etc";
  return settings;
}

std::unique_ptr<Rig> make_rig(const std::string& folder) {
  const std::string name = variable("VBS_CONFORMANCE_DRIVER");
  auto settings = settings_for(folder, {"127.0.0.1", volume_delegate::testing::free_port()});
  if (name == "tgt") return make_tgt_rig(std::move(settings));
  if (name == "lio") return make_lio_rig(std::move(settings));
  if (name == "iet") return make_iet_rig(std::move(settings));
  ADD_FAILURE() << "VBS_CONFORMANCE_DRIVER must be tgt, lio or iet, not \"" << name << '"';
  std::exit(2);
}

}  // namespace vbs::conformance
