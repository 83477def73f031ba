#pragma once

#include <string>

#include "common/error.h"
#include "common/http/delegate_link.h"
#include "common/log.h"
#include "vmm_delegate/hypervisor/hypervisor_settings.h"
#include "vmm_delegate/initiator/initiator_settings.h"

namespace vbs::vmm_delegate {

/// The configuration file of vbs-vmmd; deploy/config/vbs-vmmd.toml explains every key.
struct Settings {
  std::string name;
  http::DelegateLink link;
  std::string token_file;
  std::string state_dir;
  log::Options log;
  InitiatorSettings initiator;
  HypervisorSettings hypervisor;

  static Result<Settings> load(const std::string& path);
  static Result<Settings> parse(std::string_view text);

  std::string freezes_dir() const { return state_dir + "/freezes"; }
  std::string generations_dir() const { return state_dir + "/generations"; }
  /// Where the lease helpers' own output goes.
  std::string helper_log() const;
};

}  // namespace vbs::vmm_delegate
