#pragma once

#include <string>
#include <string_view>

#include "common/ids.h"

namespace vbs {

/// Sixteen characters for target software that takes no longer SCSI serial: the end of the UUID,
/// which for a UUIDv7 (RFC 9562, section 5.7) is 62 random bits and the variant.
std::string short_volume_serial(const Uuid& volume);
/// Whether a SCSI serial number is that of the volume: its UUID, or the short form.
bool is_volume_serial(std::string_view serial, const Uuid& volume);

}  // namespace vbs
