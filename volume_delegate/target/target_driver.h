#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/secret.h"

namespace vbs::volume_delegate {

/// Every export has exactly one logical unit, and this is its number.
inline constexpr std::uint32_t kExportLun = 1;

/// One export as a target driver has to make it.
struct TargetSpec {
  std::string iqn;           ///< holds the attachment id, so it is never used twice
  std::uint32_t number = 0;  ///< numeric target id for daemons that want one; never used twice
  std::string device;        ///< file or block device behind the logical unit; "": without one
  std::string serial;        ///< SCSI unit serial number
  std::string initiator;     ///< the only initiator name that may log in
  std::string chap_user;
  Secret chap_secret;
  bool read_only = false;
};

struct TargetSession {
  std::string initiator;
  std::string address;
  auto operator<=>(const TargetSession&) const = default;
};

/// One target as the daemon really serves it. A half-made target shows empty members.
struct TargetView {
  std::string iqn;
  bool known = true;  ///< false: it did not tell in time what there is of this target
  std::uint32_t number = 0;
  std::string device;  ///< of kExportLun; "" when that logical unit is missing or not online
  std::string serial;
  std::uint64_t size_bytes = 0;  ///< as initiators see it; 0: the daemon does not tell
  bool read_only = false;
  std::vector<std::string> accounts;  ///< CHAP users that may log in
  std::vector<std::string> allowed;   ///< access rules: initiator names, or whatever else is bound
  std::vector<TargetSession> sessions;
};

/// Whether `view` is exactly what `spec` asks for: no more access and no less. The secret cannot
/// be read back.
bool serves(const TargetView& view, const TargetSpec& spec);

std::optional<TargetView> with_iqn(const std::vector<TargetView>& views, const std::string& iqn);
/// An error where the daemon did not tell: such a target is neither there nor not there.
Result<void> check_known(const std::optional<TargetView>& view);

enum class DaemonState {
  found,    ///< it was running
  started,  ///< it has just been started and serves nothing yet
};

/// The iSCSI target software of this server. Calls block and may come from any thread; the caller
/// keeps two calls about one target apart. Errors: node_unavailable when the daemon does not run,
/// timeout when it does not answer (outcome unknown).
class TargetDriver {
 public:
  virtual ~TargetDriver() = default;

  virtual std::string name() const = 0;    ///< "tgt"
  virtual std::string portal() const = 0;  ///< "127.0.0.1:3260"

  /// Finds the daemon or starts it, and sees that it listens on the portal. Cheap when all is well.
  virtual Result<DaemonState> ensure_running() = 0;
  /// Every target of the daemon, foreign ones included.
  virtual Result<std::vector<TargetView>> list() = 0;
  /// Makes the target be as asked, from whatever state it is in; access is granted last. Whether it
  /// is so then, `list` tells. already_exists: another target has the number.
  virtual Result<void> apply(const TargetSpec& spec) = 0;
  /// Whether `refresh_size` can be, also while initiators read and write. Where it cannot, no
  /// device grows under a target that is there.
  virtual bool grows_live() const = 0;
  /// Shows the initiators the size that the device has now, after it has grown; success where they
  /// see it already. The target is there as `apply` made it. Only to be called where `grows_live`.
  virtual Result<void> refresh_size(const TargetSpec& spec);
  /// From now on nobody can log in; sessions live on. Harmless when there is no such target.
  virtual Result<void> fence(const std::string& iqn) = 0;
  /// Ends the sessions, then removes logical unit, target and account, and sees them gone. A
  /// daemon that surely does not run serves nothing, which is success.
  virtual Result<void> remove(const std::string& iqn, const std::string& chap_user) = 0;
};

}  // namespace vbs::volume_delegate
