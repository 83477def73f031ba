#include "vmm_delegate/initiator/initiator_settings.h"

#include "common/config.h"
#include "common/names.h"
#include "common/text.h"
#include "vmm_delegate/initiator/vm_initiator.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kNamePrefix = "iqn.2026-01.vbs:node-";
constexpr Milliseconds kTrialLimit{5'000};

std::string read_name(config::Table& table, const std::string& node) {
  std::string name = table.string_or("name", "");
  const bool derived = name.empty();
  if (derived) name = std::string(kNamePrefix) + node;
  if (auto good = check_iscsi_name(name, "name"); !good) {
    table.reject("name", derived ? "must be given, because the node's name " + quote(node) +
                                       " makes no iSCSI name"
                                 : good.error().message);
  }
  return name;
}

}  // namespace

InitiatorSettings read_initiator(config::Table& root, const std::string& node) {
  config::Table table = root.table("initiator");
  InitiatorSettings settings;
  settings.driver = table.string_or("driver", "vm");
  if (settings.driver != "vm") {
    table.reject("driver", "must be \"vm\", got " + quote(settings.driver));
  }
  settings.name = read_name(table, node);
  return settings;
}

Result<std::unique_ptr<Initiator>> make_initiator(const InitiatorSettings& settings) {
  return std::make_unique<VmInitiator>(settings.name, kTrialLimit);
}

}  // namespace vbs::vmm_delegate
