#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/unit/volume_delegate/support.h"
#include "volume_delegate/target/target_driver.h"
#include "volume_delegate/target/target_settings.h"

namespace vbs::conformance {

using volume_delegate::TargetDriver;
using volume_delegate::TargetSpec;
using volume_delegate::TargetView;

constexpr std::uint32_t kBlock = 512;  ///< bytes of a logical block

/// How an initiator logs in.
struct Credentials {
  std::string iqn;
  std::string initiator;
  std::string user;
  std::string secret;
};

/// An initiator that is logged in to LUN 1.
class Session {
 public:
  virtual ~Session() = default;
  virtual Result<std::string> serial() = 0;
  /// What else the logical unit calls itself (page 0x83), as far as that names the volume.
  virtual Result<std::string> identity() = 0;
  virtual Result<std::uint64_t> capacity() = 0;
  virtual Result<std::string> read(std::uint64_t block, std::uint32_t size) = 0;
  virtual Result<void> write(std::uint64_t block, const std::string& bytes) = 0;
  virtual Result<void> flush() = 0;
  virtual void log_out() = 0;
};

/// Backing devices: logical volumes of VBS_CONFORMANCE_GROUP if that is set, else sparse files.
class Devices {
 public:
  explicit Devices(std::string folder);
  ~Devices();
  Devices(const Devices&) = delete;
  Devices& operator=(const Devices&) = delete;

  bool are_blocks() const { return !group_.empty(); }
  /// kSize bytes of zeros.
  std::string make(const std::string& name);
  /// It is not used again after this case.
  void grow(const std::string& path, std::uint64_t size);
  std::string bytes(const std::string& path, std::uint64_t offset, std::size_t size) const;
  /// Whether nobody has it open; of a file, no process: what the kernel itself has open does not
  /// show.
  bool is_free(const std::string& path) const;
  static constexpr std::uint64_t kSize = 16 << 20;

 private:
  const std::string folder_;
  std::string group_;
  std::vector<std::string> grown_;
};

/// The target software under test, and an initiator for it.
class Rig {
 public:
  virtual ~Rig() = default;

  virtual volume_delegate::TargetSettings settings() const = 0;
  virtual Result<std::unique_ptr<Session>> log_in(const Credentials& credentials) = 0;
  /// Ends the target software the hard way; false where that cannot be done.
  virtual bool kill_daemon() = 0;
  /// Starts it again where its driver does not.
  virtual void start_daemon() {}
  /// Somebody else makes a target by hand.
  virtual void add_foreign_target(const std::string& iqn) = 0;
  /// Somebody lets another initiator in by hand, with the credentials of the export.
  virtual void let_in(const TargetSpec& spec, const std::string& initiator) = 0;
  /// Somebody puts another device under the export's name by hand.
  virtual void swap_device(const TargetSpec& spec, const std::string& device) = 0;
  /// Of what this driver cannot do by its nature, why not; "" for what it can.
  virtual std::string cannot(const std::string& ability) const = 0;
};

/// Of the driver that VBS_CONFORMANCE_DRIVER names; everything that it keeps is in `folder`.
volume_delegate::TargetSettings settings_for(const std::string& folder,
                                             const volume_delegate::Portal& portal);
/// The rig that VBS_CONFORMANCE_DRIVER names, in a folder of its own.
std::unique_ptr<Rig> make_rig(const std::string& folder);
std::unique_ptr<Rig> make_tgt_rig(volume_delegate::TargetSettings settings);
std::unique_ptr<Rig> make_lio_rig(volume_delegate::TargetSettings settings);
std::unique_ptr<Rig> make_iet_rig(volume_delegate::TargetSettings settings);

/// The real initiator: libiscsi, in this process.
Result<std::unique_ptr<Session>> log_in_by_libiscsi(const std::string& portal,
                                                    const Credentials& credentials);

}  // namespace vbs::conformance
