#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/text.h"

namespace vbs {

/// The one place where names from outside are judged. Each function returns an error that names
/// `field`, says what was expected, and never repeats more than 40 characters of the input.

/// Volume and snapshot names: 1 to 128 bytes of valid UTF-8 without control characters, '/' or
/// leading/trailing spaces; not "." or ".."; not something that reads as a UUID.
Result<void> check_resource_name(std::string_view name, std::string_view field);
/// Node, VM and project names: [A-Za-z0-9][A-Za-z0-9._-]{0,62}.
Result<void> check_node_name(std::string_view name, std::string_view field);
/// "/dev/sdb".."/dev/sdz", "/dev/sdaa".., also vd* and xvd*; returns the canonical form.
Result<std::string> check_device_name(std::string_view name, std::string_view field);
/// iSCSI names (RFC 7143, section 4.2.7; RFC 3722): "iqn." or "eui." forms up to 223 bytes, lower
/// case.
Result<void> check_iscsi_name(std::string_view name, std::string_view field);
/// Names of LVM's groups and volumes (lvm(8), VALID NAMES), short enough for its limit of 127
/// characters for a volume group and an LV together.
Result<void> check_lvm_name(std::string_view name, std::string_view field);
/// An iSCSI portal, "192.0.2.7:3260" or "[2001:db8::7]:3260": it becomes a word of a command line.
Result<void> check_portal(std::string_view portal, std::string_view field);
/// At most 32 tags; keys 1..64 of [A-Za-z0-9._:/-], values up to 256 bytes of printable UTF-8.
Result<void> check_tags(const std::map<std::string, std::string>& tags, std::string_view field);
/// 1 to 128 printable ASCII characters without spaces.
Result<void> check_idempotency_key(std::string_view key);

}  // namespace vbs
