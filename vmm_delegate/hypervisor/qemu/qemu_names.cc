#include "vmm_delegate/hypervisor/qemu/qemu_names.h"

namespace vbs::vmm_delegate::qemu {
namespace {

constexpr std::string_view kDevice = "vbs-";
constexpr std::string_view kNode = "vbs-";
constexpr std::string_view kProtocol = "vbp-";
constexpr std::string_view kSecret = "vbs-chap-";

std::optional<Uuid> from_base32(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return Uuid::from_base32(name.substr(prefix.size()));
}

}  // namespace

std::string device_id(const Uuid& attachment) {
  return std::string(kDevice) + attachment.str();
}
std::string node_name(const Uuid& attachment) {
  return std::string(kNode) + attachment.base32();
}
std::string protocol_name(const Uuid& attachment) {
  return std::string(kProtocol) + attachment.base32();
}
std::string secret_id(const Uuid& attachment) {
  return std::string(kSecret) + attachment.base32();
}

std::optional<Uuid> attachment_of_device(std::string_view id) {
  if (!id.starts_with(kDevice)) return std::nullopt;
  return Uuid::parse(id.substr(kDevice.size()));
}
std::optional<Uuid> attachment_of_node(std::string_view name) {
  return from_base32(kNode, name);
}
std::optional<Uuid> attachment_of_protocol(std::string_view name) {
  return from_base32(kProtocol, name);
}
std::optional<Uuid> attachment_of_secret(std::string_view id) {
  return from_base32(kSecret, id);
}

}  // namespace vbs::vmm_delegate::qemu
