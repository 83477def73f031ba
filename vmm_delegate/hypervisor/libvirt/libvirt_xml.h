#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/ids.h"

/// The part of libvirt's domain XML (libvirt.org/formatdomain.html) that VBS reads and writes.
namespace vbs::vmm_delegate::libvirt {

/// How a disk is shown to the guest.
enum class DiskBus { scsi, virtio, xen };
/// "scsi", "virtio", "xen"; nothing for other words.
std::optional<DiskBus> disk_bus(std::string_view word);

/// A place on a virtio-scsi controller.
struct ScsiPlace {
  unsigned controller = 0;
  unsigned target = 0;
  unsigned unit = 0;
  auto operator<=>(const ScsiPlace&) const = default;
};

/// A disk of a domain, be it of VBS or not.
struct Disk {
  std::string alias;   ///< "ua-vbs-<attachment>" makes it one of VBS
  std::string source;  ///< path of the host's device
  std::string target;  ///< "sdb"
  std::string serial;
  bool read_only = false;
  std::optional<ScsiPlace> place;

  std::optional<Uuid> attachment() const;
};

/// What one definition of a domain holds: the one that runs, or the one that it is started from.
struct Machine {
  std::vector<Disk> disks;
  std::map<unsigned, bool> scsi_controllers;  ///< index -> whether it is a virtio-scsi one
  bool agent = false;                         ///< the guest holds the agent's channel open

  const Disk* find(const Uuid& attachment) const;
  std::optional<unsigned> virtio_scsi() const;
  std::set<std::string> targets() const;
};

/// internal when it is no domain's XML.
Result<Machine> parse_machine(std::string_view xml);

/// The alias of an attachment's disk: libvirt keeps those that begin with "ua-" as they are.
std::string alias_of(const Uuid& attachment);
std::optional<Uuid> attachment_of_alias(std::string_view alias);

/// The place for an attachment's disk (see scsi_address) that is free in all the definitions.
ScsiPlace free_place(const Uuid& attachment, unsigned controller,
                     const std::vector<const Machine*>& machines);
/// The name on the bus that is like `device` ("/dev/sdb" -> "vdb" on virtio), or the next that is
/// free. Guests but those of Xen give names of their own.
std::string free_target(std::string_view device, DiskBus bus,
                        const std::vector<const Machine*>& machines);

/// `<disk>` for a device of the host; read-only, or raw and past the host's cache.
std::string disk_xml(const Disk& disk, DiskBus bus);
/// `<controller>` of type virtio-scsi.
std::string controller_xml(unsigned index);

}  // namespace vbs::vmm_delegate::libvirt
