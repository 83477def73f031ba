#pragma once

#include <string>
#include <string_view>

#include "common/error.h"
#include "common/ids.h"
#include "common/wire/export.h"

namespace vbs::volume_delegate {

/// "iqn.2026-01.vbs" + attachment -> "iqn.2026-01.vbs:0190...": no name is ever used twice.
std::string export_iqn(std::string_view prefix, const Uuid& attachment);

/// A prefix that makes a valid iSCSI name (RFC 7143, section 4.2.7) together with a UUID.
Result<void> check_iqn_prefix(std::string_view prefix);

/// Initiator name, CHAP user and secret of an order, within what every target daemon can take:
/// user 1 to 64 of [A-Za-z0-9._:-], secret 12 to 128 printable ASCII characters but space and comma
/// (12 is the least that RFC 7143, section 12.1.3, allows without IPsec).
Result<void> check_export_access(const wire::ExportSpec& spec);

}  // namespace vbs::volume_delegate
