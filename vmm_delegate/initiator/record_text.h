#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/wire/session.h"
#include "vmm_delegate/initiator/iscsi_names.h"

namespace vbs::vmm_delegate {

/// What all records of this node have in common.
struct RecordCommon {
  std::string interface;  ///< as interface_name() makes it
  std::string initiator;  ///< the iSCSI name under which this node logs in
  Milliseconds login_timeout{5'000};
  Milliseconds replacement_timeout{120'000};
};

/// Text of a node record, in the format of open-iscsi 2.1.8 ("name = value" lines). iscsiadm's own
/// defaults hold for what it does not say, and nothing of iscsid.conf.
std::string node_record_text(const RecordCommon& common, const wire::SessionSpec& session,
                             const PortalAddress& portal, std::uint32_t portal_group);
/// Text of the interface's record, which lends a login its initiator name.
std::string interface_record_text(const RecordCommon& common);

/// What a node record's text logs in with; nothing where it does not tell all of that.
std::optional<wire::SessionSpec> session_in(std::string_view text);
/// 0 in a record that does not tell.
std::int64_t generation_in(std::string_view text);

}  // namespace vbs::vmm_delegate
