#pragma once

#include <memory>
#include <string>

#include "common/clock.h"
#include "common/config.h"
#include "vmm_delegate/initiator/initiator.h"
#include "vmm_delegate/initiator/open_iscsi.h"

namespace vbs::vmm_delegate {

/// The table [initiator] of the configuration; deploy/config/vbs-vmmd.toml explains every key.
struct InitiatorSettings {
  std::string driver;     ///< "vm" or "open_iscsi"
  std::string name;       ///< the iSCSI name under which this node logs in
  std::string interface;  ///< what open-iscsi calls it
  bool discovery = false;
  Milliseconds login_timeout{5'000};
  Milliseconds replacement_timeout{120'000};
};

/// Reads [initiator] of the whole configuration; what is wrong is reported into `root`.
InitiatorSettings read_initiator(config::Table& root, const std::string& node);

/// The driver that the settings name, with the sessions that this host had before it was restarted,
/// save those of attachments that were removed. Errors: what it needs is missing on this host.
Result<std::unique_ptr<Initiator>> make_initiator(const InitiatorSettings& settings,
                                                  const IsRemoved& is_removed);

}  // namespace vbs::vmm_delegate
