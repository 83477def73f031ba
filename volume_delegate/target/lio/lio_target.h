#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "volume_delegate/target/lio/config_tree.h"
#include "volume_delegate/target/lio/lio_backstores.h"
#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate {

/// The folder of an export's LUN, below the portal group and below its initiator.
inline const std::string kLioUnit = "lun_" + std::to_string(kExportLun);

/// One iSCSI target of LIO: one portal group, one LUN, one initiator with CHAP. Every method looks
/// at what is there and does only what is missing, so that it may follow one that was cut short.
class LioTarget {
 public:
  /// `portal` is "127.0.0.1:3260".
  LioTarget(ConfigTree& tree, LioBackstores& backstores, std::string iqn, std::string portal);

  Result<TargetView> view();

  /// Target and portal group, closed if they are new.
  Result<void> make_group(const TargetSpec& spec);
  /// Whether anything but the export's volume has its LUN, or a LUN beside it. make_unit then has
  /// no place for it.
  Result<bool> leads_elsewhere(const TargetSpec& spec);
  /// LUN and backstore. Errors: see LioBackstores::serve.
  Result<void> make_unit(const TargetSpec& spec);
  /// The initiator and what it may see, without credentials if it is new.
  Result<void> make_initiator(const TargetSpec& spec);
  /// Grants access: credentials, then the portal and no other, then the portal group.
  Result<void> open(const TargetSpec& spec);

  /// Takes the credentials away: no login succeeds any more, sessions live on.
  Result<void> fence();
  /// Ends every session and waits for the kernel to finish what they have in flight.
  Result<void> end_sessions();
  /// Access, LUN, portal, group and target, in this order. conflict: something is still in use.
  Result<void> remove();

 private:
  struct Access;
  Result<void> look_at_access(TargetView& view, Access& access);
  Result<void> look_at_initiator(const std::string& name, TargetView& view, Access& access);
  Result<bool> is_open();
  Result<void> set(const std::string& path, const std::string& value);
  Result<void> clear_credentials(const std::string& acl);
  Result<void> make_mapping(const std::string& acl, const TargetSpec& spec);
  Result<void> remove_links(const std::string& folder);
  Result<void> remove_initiator(const std::string& acl);
  Result<void> remove_each(const std::string& folder, const std::string& but = {});
  Result<std::vector<std::string>> folders(const std::string& path);

  ConfigTree& tree_;
  LioBackstores& backstores_;
  const std::string iqn_;
  const std::string portal_;
  const std::string target_;  ///< folder of the target
  const std::string group_;   ///< folder of its portal group
};

/// Who is logged in, from the attribute "info" of an initiator (iscsi_target_configfs.c,
/// lio_target_nacl_info_show); nobody where it says so. An error where it says neither.
Result<std::vector<TargetSession>> parse_lio_sessions(const std::string& text);

}  // namespace vbs::volume_delegate
