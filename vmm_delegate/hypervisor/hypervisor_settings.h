#pragma once

#include <memory>
#include <string>

#include "common/clock.h"
#include "common/config.h"
#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_xml.h"

namespace vbs::vmm_delegate {

struct QemuSettings {
  std::string folder;
  Milliseconds iscsi_timeout{5'000};
};

struct LibvirtSettings {
  std::string uri;
  libvirt::DiskBus bus = libvirt::DiskBus::scsi;
};

struct XenSettings {
  std::string toolstack;   ///< "xl" or "xm"
  std::string iqn_prefix;  ///< as the volume servers have it
};

/// The table [hypervisor] of vbs-vmmd's configuration. Every driver's keys are read and checked,
/// whichever is chosen.
struct HypervisorSettings {
  std::string driver;
  std::string place;        ///< where the driver finds its VMs, for the log
  bool host_disks = false;  ///< whether the driver takes disks of the host only
  QemuSettings qemu;
  LibvirtSettings libvirt;
  XenSettings xen;

  static HypervisorSettings read(config::Table& table);
};

/// The driver that the settings name; `initiator` is the node's iSCSI name.
std::unique_ptr<Hypervisor> make_hypervisor(const HypervisorSettings& settings,
                                            const std::string& initiator);

}  // namespace vbs::vmm_delegate
