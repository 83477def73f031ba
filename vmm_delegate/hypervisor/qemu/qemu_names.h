#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/ids.h"

/// The names under which QEMU knows the parts of one attachment. Block node names are limited to 31
/// characters, hence base32 there; device ids are not.
namespace vbs::vmm_delegate::qemu {

std::string device_id(const Uuid& attachment);  ///< "vbs-<uuid>", the disk
std::string node_name(const Uuid& attachment);  ///< "vbs-<base32>", the raw block node
std::string protocol_name(
    const Uuid& attachment);  ///< "vbp-<base32>", the block node that reads and writes the storage
std::string secret_id(const Uuid& attachment);  ///< "vbs-chap-<base32>", while it is opened

/// The attachment behind a name; nothing for names that are not of VBS.
std::optional<Uuid> attachment_of_device(std::string_view id);
std::optional<Uuid> attachment_of_node(std::string_view name);
std::optional<Uuid> attachment_of_protocol(std::string_view name);
std::optional<Uuid> attachment_of_secret(std::string_view id);

}  // namespace vbs::vmm_delegate::qemu
