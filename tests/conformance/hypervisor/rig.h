#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/wire/session.h"
#include "vmm_delegate/hypervisor/hypervisor.h"

namespace vbs::conformance {

/// A disk as a VM really has it, asked past the driver.
struct ShownDisk {
  std::string serial;
  bool read_only = false;
  std::uint64_t size_bytes = 0;
  bool operator==(const ShownDisk&) const = default;
};

/// Something to be shown to a VM.
struct Storage {
  wire::SessionSpec session;
  std::string host_path;  ///< "" where VMs log in themselves
};

/// The machines and the storage that a case is tried on, without the driver. Everything goes with
/// the object. VMs have no agent, and from their start on one disk with the serial kForeign, which
/// is not of VBS.
class Rig {
 public:
  static constexpr const char* kForeign = "somebody-elses";

  virtual ~Rig() = default;

  /// The driver's table of vbs-vmmd's configuration, with its heading.
  virtual std::string configuration() const = 0;
  /// Starts a VM, which is made if need be.
  virtual void start(const std::string& vm) = 0;
  /// As a power cut: off, and known still.
  virtual void cut_power(const std::string& vm) = 0;
  /// As if there had never been such a VM.
  virtual void remove(const std::string& vm) = 0;

  /// Of 8 MiB, the same for the same number. Where `there` is false it cannot be opened.
  virtual Storage storage(unsigned number, bool read_only, bool there) = 0;
  /// Makes it larger, as far as this host sees it.
  virtual void grow(unsigned number, std::uint64_t size_bytes) = 0;
  /// The first byte of the storage, asked past the VM.
  virtual char first_byte(unsigned number) = 0;

  /// Sorted by serial.
  virtual std::vector<ShownDisk> disks(const std::string& vm) = 0;
  /// Lets the VM write its disk's first 4 KiB, and flush; false when it cannot.
  virtual bool write(const std::string& vm, const std::string& serial, char byte) = 0;

  /// Whether a VM that is started again has its disks.
  virtual bool keeps_disks() const = 0;
  /// Whether a VM has a UUID from its making to its removal.
  virtual bool has_uuids() const { return true; }
  /// Leaves in the VM what a hypervisor's daemon that is killed in the middle of an attach leaves,
  /// and kills it. False: nothing stands between the driver and the VM.
  virtual bool leave_half(const std::string&, const Uuid&, const Storage&) { return false; }
  /// Whether the VM has the storage open, shown or not.
  virtual bool has_open(const std::string&, const Storage&) { return false; }
  /// Lets the VM answer nobody for a while. False: this cannot be done to it.
  virtual bool hang(const std::string& vm, bool hung) = 0;
};

/// The driver as vbs-vmmd makes it from this configuration.
std::unique_ptr<vmm_delegate::Hypervisor> make_driver(const std::string& configuration);

/// Of the driver that VBS_CONFORMANCE_DRIVER names; null for a name that is not known.
std::unique_ptr<Rig> make_rig();

}  // namespace vbs::conformance
