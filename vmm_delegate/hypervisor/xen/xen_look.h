#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/wire/device.h"
#include "vmm_delegate/hypervisor/xen/xen_toolstack.h"
#include "vmm_delegate/hypervisor/xen/xenstore.h"

/// What a domain holds, read from xenstore and sysfs.
namespace vbs::vmm_delegate::xen {

/// The unit of sizes in xenstore and sysfs, whatever the device's own is.
inline constexpr std::uint64_t kSectorSize = 512;

/// States of a device's two ends: xen/include/public/io/xenbus.h.
enum class XenbusState {
  unknown,
  initialising,
  init_wait,
  initialised,
  connected,
  closing,
  closed
};

/// A disk of a domain that dom0's block back end (xen-blkback) serves, be it of VBS or not.
struct Vbd {
  Disk disk;
  std::string path;             ///< the host device as it was given, "/dev/disk/by-path/..."
  std::string physical_device;  ///< "8:10", both hexadecimal; empty until the hotplug script ran
  bool read_only = false;
  bool online = false;   ///< nobody has asked to take it away
  bool plugged = false;  ///< the hotplug script ran to its end
  XenbusState back = XenbusState::unknown;
  XenbusState front = XenbusState::unknown;
  std::optional<std::uint64_t> sectors;  ///< as told to the guest

  /// Shown in full: the guest has it, or takes it as soon as it looks.
  bool complete() const;
  /// On its way out of the guest.
  bool releasing() const;
  /// The guest has never taken it, so that it cannot let go of it either.
  bool untouched() const;
};

/// The id of the domain with this name; nothing where none runs. Of two (one that is not gone yet
/// after a restart) the newer.
Result<std::optional<unsigned>> domain_id(Xenstore& store, const std::string& name);
Result<std::vector<Vbd>> vbds_of(Xenstore& store, unsigned domain);
/// Nothing where the domain does not have it, or no longer.
Result<std::optional<Vbd>> vbd_of(Xenstore& store, unsigned domain, const std::string& number);

/// What the kernel shows of disks; every path begins with `sysfs`, which is "/sys".
class Sysfs {
 public:
  explicit Sysfs(std::string root) : root_(std::move(root)) {}

  /// The unit serial number (SCSI VPD page 0x80) of the host device behind the disk; empty where it
  /// has none, or is gone.
  std::string serial(const Vbd& vbd) const;
  /// Its size.
  Result<std::uint64_t> sectors(const Vbd& vbd) const;
  /// Whether the back end still has the disk.
  bool serves(unsigned domain, const Vbd& vbd) const;
  /// Writes and discards of the disk since it was shown; 0 until the hotplug script ran.
  std::int64_t writes(unsigned domain, const Vbd& vbd) const;

 private:
  std::string block(const Vbd& vbd) const;
  std::string back_end(unsigned domain, const Vbd& vbd) const;

  const std::string root_;
};

}  // namespace vbs::vmm_delegate::xen
