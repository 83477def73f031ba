#include "tests/conformance/hypervisor/rig.h"

#include <cstdlib>

#include "tests/conformance/hypervisor/rigs.h"
#include "vmm_delegate/hypervisor/hypervisor_settings.h"

namespace vbs::conformance {

std::unique_ptr<vmm_delegate::Hypervisor> make_driver(const std::string& configuration) {
  if (auto driver = make_xen_host_driver(configuration)) return driver;
  auto table = config::Table::parse(configuration);
  if (!table) return nullptr;
  config::Table hypervisor = table->table("hypervisor");
  const auto settings = vmm_delegate::HypervisorSettings::read(hypervisor);
  if (!table->finish()) return nullptr;
  return vmm_delegate::make_hypervisor(settings, kInitiator);
}

std::unique_ptr<Rig> make_rig() {
  const char* variable = std::getenv("VBS_CONFORMANCE_DRIVER");
  const std::string driver = variable == nullptr ? "" : variable;
  if (driver == "qemu") return make_qemu_rig();
  if (driver == "qemu-host-device") return make_qemu_device_rig();
  if (driver == "libvirt") return make_libvirt_rig();
  if (driver == "xen-xl-stand-in") return make_xen_host_rig("xl");
  if (driver == "xen-xm-stand-in") return make_xen_host_rig("xm");
  if (driver == "xen") return make_xen_rig();
  return nullptr;
}

}  // namespace vbs::conformance
