#include "vmm_delegate/hypervisor/hypervisor_settings.h"

#include <algorithm>
#include <array>

#include "common/config.h"
#include "common/names.h"
#include "common/text.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt.h"
#include "vmm_delegate/hypervisor/qemu/qemu.h"
#include "vmm_delegate/hypervisor/xen/xen.h"
#include "vmm_delegate/initiator/iscsi_login.h"

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kProbeLimit{1'500};
constexpr std::int64_t kMinIscsiTimeoutMs = 1'000;
constexpr std::int64_t kMaxIscsiTimeoutMs = 60'000;

std::string read_qemu(config::Table& table, HypervisorSettings& settings, bool chosen) {
  QemuSettings& qemu = settings.qemu;
  qemu.folder = chosen ? table.string("folder") : table.string_or("folder", "/");
  if (!qemu.folder.starts_with('/')) table.reject("folder", "must be an absolute path");
  const std::int64_t timeout = table.duration_or("iscsi_timeout", qemu.iscsi_timeout.count());
  if (timeout < kMinIscsiTimeoutMs || timeout > kMaxIscsiTimeoutMs || timeout % 1000 != 0) {
    table.reject("iscsi_timeout", "must be whole seconds from 1s to 60s");
  }
  qemu.iscsi_timeout = Milliseconds(timeout);
  return qemu.folder;
}

StorageProbe probe_by(const std::string& initiator) {
  return [initiator](const std::string& portal, const std::string& target) {
    return probe_target(initiator, portal, target, kProbeLimit);
  };
}

std::unique_ptr<Hypervisor> make_qemu(const HypervisorSettings& settings,
                                      const std::string& initiator) {
  QemuOptions options;
  options.folder = settings.qemu.folder;
  options.plug.initiator = initiator;
  options.plug.iscsi_timeout_s =
      std::chrono::duration_cast<std::chrono::seconds>(settings.qemu.iscsi_timeout).count();
  options.probe = probe_by(initiator);
  return std::make_unique<QemuHypervisor>(std::move(options));
}

/// "qemu" or "xen" in "qemu:///system" and "qemu+unix:///system"; "" for what is no local URI.
std::string_view scheme_of(std::string_view uri) {
  const auto end = uri.find(":///");
  if (end == uri.npos) return "";
  std::string_view scheme = uri.substr(0, end);
  if (scheme.ends_with("+unix")) scheme.remove_suffix(5);
  return scheme == "qemu" || scheme == "xen" ? scheme : "";
}

std::string read_libvirt(config::Table& table, HypervisorSettings& settings, bool) {
  LibvirtSettings& libvirt = settings.libvirt;
  libvirt.uri = table.string_or("uri", "qemu:///system");
  const std::string_view scheme = scheme_of(libvirt.uri);
  if (scheme.empty()) {
    table.reject("uri", "must be of this machine's QEMU or Xen, like \"qemu:///system\", got " +
                            quote(libvirt.uri));
  }
  const bool xen = scheme == "xen";
  const std::string word = table.string_or("bus", xen ? "xen" : "scsi");
  const auto bus = libvirt::disk_bus(word);
  if (!bus || (*bus == libvirt::DiskBus::xen) != xen) {
    table.reject("bus", (xen ? "must be \"xen\", got " : "must be \"scsi\" or \"virtio\", got ") +
                            quote(word));
  }
  libvirt.bus = bus.value_or(libvirt::DiskBus::scsi);
  return libvirt.uri;
}

std::unique_ptr<Hypervisor> make_libvirt(const HypervisorSettings& settings,
                                         const std::string& initiator) {
  LibvirtOptions options;
  options.uri = settings.libvirt.uri;
  options.bus = settings.libvirt.bus;
  options.probe = probe_by(initiator);
  return std::make_unique<LibvirtHypervisor>(std::move(options));
}

std::string read_xen(config::Table& table, HypervisorSettings& settings, bool) {
  XenSettings& xen = settings.xen;
  xen.toolstack = table.string_or("toolstack", "xl");
  if (xen.toolstack != "xl" && xen.toolstack != "xm") {
    table.reject("toolstack", "must be \"xl\" or \"xm\", got " + quote(xen.toolstack));
  }
  xen.iqn_prefix = table.string_or("iqn_prefix", "iqn.2026-01.vbs");
  if (auto good = check_iscsi_name(xen.iqn_prefix, "iqn_prefix"); !good) {
    table.reject("iqn_prefix", good.error().message);
  }
  return xen.toolstack;
}

std::unique_ptr<Hypervisor> make_xen(const HypervisorSettings& settings, const std::string&) {
  XenOptions options;
  options.toolstack = settings.xen.toolstack;
  options.iqn_prefix = settings.xen.iqn_prefix;
  return std::make_unique<XenHypervisor>(std::move(options));
}

struct Driver {
  std::string_view name;
  bool host_disks;  ///< its VMs cannot log in themselves
  /// Tells the place; `chosen` where it is the driver of the configuration.
  std::string (*read)(config::Table& table, HypervisorSettings& settings, bool chosen);
  std::unique_ptr<Hypervisor> (*make)(const HypervisorSettings& settings,
                                      const std::string& initiator);
};

constexpr std::array kDrivers{
    Driver{"qemu", false, read_qemu, make_qemu},
    Driver{"libvirt", true, read_libvirt, make_libvirt},
    Driver{"xen", true, read_xen, make_xen},
};

const Driver* find_driver(std::string_view name) {
  const auto* found = std::find_if(kDrivers.begin(), kDrivers.end(),
                                   [&](const Driver& driver) { return driver.name == name; });
  return found == kDrivers.end() ? nullptr : found;
}

/// "a", "b" or "c"
std::string driver_names() {
  std::string names;
  for (std::size_t i = 0; i < kDrivers.size(); ++i) {
    if (i > 0) names += i + 1 == kDrivers.size() ? " or " : ", ";
    names.append("\"").append(kDrivers[i].name).append("\"");
  }
  return names;
}

}  // namespace

HypervisorSettings HypervisorSettings::read(config::Table& table) {
  HypervisorSettings settings;
  settings.driver = table.string_or("driver", "qemu");
  const Driver* chosen = find_driver(settings.driver);
  if (chosen == nullptr) {
    table.reject("driver", "must be " + driver_names() + ", got " + quote(settings.driver));
  }
  // What is said for other drivers has to be right too: one file, with another driver chosen, must
  // not turn out wrong then.
  for (const Driver& driver : kDrivers) {
    std::string place = driver.read(table, settings, &driver == chosen);
    if (&driver == chosen) settings.place = std::move(place);
  }
  settings.host_disks = chosen != nullptr && chosen->host_disks;
  return settings;
}

std::unique_ptr<Hypervisor> make_hypervisor(const HypervisorSettings& settings,
                                            const std::string& initiator) {
  const Driver* driver = find_driver(settings.driver);
  return driver == nullptr ? nullptr : driver->make(settings, initiator);
}

}  // namespace vbs::vmm_delegate
