#pragma once

#include <mutex>
#include <set>
#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "vmm_delegate/initiator/iscsi_names.h"

namespace vbs::vmm_delegate {

/// Which portals did not answer the last login. A login to a dead portal takes iscsid seconds, in
/// which no other login has its turn, so such a portal has to take a plain TCP connection first.
/// One that answers is never bothered: a target logs connections without a login as errors.
/// Thread-safe.
class PortalMemory {
 public:
  /// node_unavailable when the portal was dead and still takes no connection within `limit`.
  Result<void> check(const PortalAddress& portal, Milliseconds limit);
  void remember(const PortalAddress& portal, bool answered);

 private:
  std::mutex mutex_;
  std::set<std::string> dead_;
};

}  // namespace vbs::vmm_delegate
