#include "vmm_delegate/initiator/initiator_settings.h"

#include <algorithm>

#include "common/config.h"
#include "common/names.h"
#include "common/process.h"
#include "common/text.h"
#include "vmm_delegate/initiator/iscsi_login.h"
#include "vmm_delegate/initiator/iscsi_names.h"
#include "vmm_delegate/initiator/vm_initiator.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kNamePrefix = "iqn.2026-01.vbs:node-";
constexpr Milliseconds kTrialLimit{5'000};
constexpr Milliseconds kSecond{1'000};
constexpr Milliseconds kLongestLogin{7'000};  // the front service waits 10 s for an answer
constexpr Milliseconds kLongestReplacement{24 * 3'600'000};

/// Whole seconds, as open-iscsi keeps them.
Milliseconds read_seconds(config::Table& table, std::string_view key, Milliseconds fallback,
                          Milliseconds longest) {
  const Milliseconds time(table.duration_or(key, fallback.count()));
  if (time < kSecond || time > longest || time % kSecond != Milliseconds(0)) {
    table.reject(key,
                 "must be whole seconds from 1s to " + std::to_string(longest / kSecond) + "s");
  }
  return time;
}

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
  if (settings.driver != "vm" && settings.driver != "open_iscsi") {
    table.reject("driver", "must be \"vm\" or \"open_iscsi\", got " + quote(settings.driver));
  }
  settings.name = read_name(table, node);
  settings.interface = interface_name(node);
  if (settings.driver == "open_iscsi" && settings.interface.size() > kMaxInterfaceName) {
    table.reject("driver", "cannot be \"open_iscsi\", because the node's name is too long for it");
  }
  settings.discovery = table.boolean_or("discovery", false);
  settings.login_timeout =
      read_seconds(table, "login_timeout", settings.login_timeout, kLongestLogin);
  settings.replacement_timeout =
      read_seconds(table, "replacement_timeout", settings.replacement_timeout, kLongestReplacement);
  return settings;
}

Result<std::unique_ptr<Initiator>> make_initiator(const InitiatorSettings& settings,
                                                  const IsRemoved& is_removed) {
  if (settings.driver == "vm") return std::make_unique<VmInitiator>(settings.name, kTrialLimit);
  auto program = process::find_program("iscsiadm", "open-iscsi");
  if (!program) return fail(program.error());
  OpenIscsiOptions options;
  options.records = {settings.interface, settings.name, settings.login_timeout,
                     settings.replacement_timeout};
  options.discovery = settings.discovery;
  options.iscsiadm.program = *std::move(program);
  options.iscsiadm.interface = settings.interface;
  options.trial = [name = settings.name](const wire::SessionSpec& session, Milliseconds limit) {
    return read_serial(name, session, std::min(limit, kTrialLimit));
  };
  auto initiator = std::make_unique<OpenIscsi>(std::move(options), make_kernel_scsi_layer());
  if (auto prepared = initiator->prepare(is_removed); !prepared) return fail(prepared.error());
  return initiator;
}

}  // namespace vbs::vmm_delegate
