#pragma once

#include <string>
#include <vector>

#include "vmm_delegate/freeze/freeze_store.h"
#include "vmm_delegate/freeze/lease_helper.h"

namespace vbs::vmm_delegate {

/// The words after vbs-thaw's name; `config` is the delegate's configuration file.
std::vector<std::string> thaw_arguments(const std::string& config, const Uuid& freeze);

/// Starts one `vbs-thaw` process for each freeze, in its own session.
class ThawProcess final : public LeaseHelper {
 public:
  /// `program` is the absolute path of vbs-thaw, `config` the delegate's configuration file.
  ThawProcess(std::string program, std::string config, std::string log_file, FreezeStore store);
  Result<void> arm(const Uuid& freeze) override;
  bool armed(const Uuid& freeze) override;

 private:
  const std::string program_;
  const std::string config_;
  const std::string log_file_;
  const FreezeStore store_;
};

}  // namespace vbs::vmm_delegate
