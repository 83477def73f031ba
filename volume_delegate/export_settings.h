#pragma once

#include <string>

#include "common/error.h"
#include "volume_delegate/export_records.h"
#include "volume_delegate/record_folder.h"
#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate {

/// Remembers in `folder` which driver serves exports, where, and under which names. With others the
/// exports would be made a second time, while initiators stay logged in to the first ones, which
/// nobody revokes any more. invalid_field: something is not as it was, and there are exports.
Result<void> check_exports_keep_their_target(RecordFolder& folder, const TargetDriver& target,
                                             const std::string& iqn_prefix,
                                             const ExportRecords& exports);

}  // namespace vbs::volume_delegate
