#include "common/names.h"
#include "tests/fuzz/fuzz.h"
#include "vmm_delegate/settings.h"

/// The configuration of vbs-vmmd.
void vbs::fuzz::one_input(std::string_view input) {
  const auto settings = vmm_delegate::Settings::parse(input);
  if (!settings) return;
  require(check_node_name(settings->name, "name").has_value(), "it has a node's name");
  require(check_iscsi_name(settings->initiator.name, "name").has_value(), "it has an iSCSI name");
  require(settings->initiator.login_timeout.count() > 0, "a login ends");
  require(!settings->hypervisor.host_disks || settings->initiator.driver == "open_iscsi",
          "disks of the host come by its initiator");
}
