#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/process.h"
#include "vmm_delegate/initiator/iscsi_names.h"

namespace vbs::vmm_delegate {

using CommandRunner = std::function<Result<process::Outcome>(const process::Command&)>;

/// One line of a discovery: "192.0.2.7:3260,1 iqn.2026-01.vbs:0190...".
struct DiscoveredTarget {
  PortalAddress portal;
  std::uint32_t portal_group = 0;
  std::string iqn;
};

/// What `iscsiadm --mode discovery` prints (open-iscsi 2.1.8); other lines are passed over.
std::vector<DiscoveredTarget> parse_discovery(const std::string& output);

/// open-iscsi's command, one at a time: it locks its database for moments only, but waits for the
/// lock by sleeping. Thread-safe.
///
/// Errors: timeout (it was ended, and whether it has been carried out must be looked at),
/// overloaded (its turn has not come), forbidden (CHAP is refused), not_found (no such record,
/// session or target), node_unavailable (the portal or iscsid does not answer).
class Iscsiadm {
 public:
  struct Options {
    std::string program = "/sbin/iscsiadm";
    std::string interface;  ///< as interface_name() makes it
    std::string lock_folder = "/run/lock/iscsi";
    CommandRunner run = process::run;
    /// It holds its lock for milliseconds; what is older was left by one that was killed.
    std::chrono::seconds stale_lock{10};
  };
  explicit Iscsiadm(Options options) : options_(std::move(options)) {}

  /// With the node record that is there.
  Result<void> log_in(const std::string& iqn, const PortalAddress& portal,
                      std::uint32_t portal_group, MonotonicTime deadline);
  Result<void> log_out(std::uint64_t sid, MonotonicTime deadline);
  /// SendTargets; leaves no record behind, since the answer may name everybody's targets.
  Result<std::vector<DiscoveredTarget>> discover(const PortalAddress& portal,
                                                 MonotonicTime deadline);

  /// The words after the program's name.
  std::vector<std::string> login_arguments(const std::string& iqn, const PortalAddress& portal,
                                           std::uint32_t portal_group) const;
  std::vector<std::string> discovery_arguments(const PortalAddress& portal) const;

 private:
  Result<process::Outcome> run(std::vector<std::string> arguments, MonotonicTime deadline);
  void remove_stale_lock() const;

  const Options options_;
  std::timed_mutex turn_;
};

}  // namespace vbs::vmm_delegate
