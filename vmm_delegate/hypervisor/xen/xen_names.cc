#include "vmm_delegate/hypervisor/xen/xen_names.h"

#include <algorithm>

#include "common/names.h"
#include "common/text.h"
#include "vmm_delegate/initiator/iscsi_names.h"

namespace vbs::vmm_delegate::xen {
namespace {

constexpr std::string_view kDev = "/dev/";

/// "b" of "sdb" and "xvdb"; empty for other names.
std::string_view letters_of(std::string_view name) {
  for (const std::string_view kind : {"xvd", "sd", "hd"}) {
    if (name.starts_with(kind)) return name.substr(kind.size());
  }
  return {};
}

}  // namespace

Result<std::string> virtual_device(std::string_view device) {
  auto full = check_device_name(device, "device");
  if (!full) return fail(full.error());
  std::string name = full->substr(kDev.size());
  const std::string_view letters = letters_of(name);
  const bool known =
      name.starts_with("sd") ? letters.size() == 1 && letters[0] <= 'p' : letters.size() <= 2;
  if (!letters.empty() && known) return name;
  return fail_field("device",
                    "must be /dev/sdb to /dev/sdp or /dev/xvdb to /dev/xvdzz for a Xen "
                    "VM, got " +
                        quote(device));
}

std::string guest_device(std::string_view virtual_device) {
  const std::string_view letters = letters_of(virtual_device);
  return letters.empty() ? std::string() : "xvd" + std::string(letters);
}

std::optional<Uuid> attachment_of_path(std::string_view path, std::string_view iqn_prefix) {
  const auto told = parse_by_path(path);
  if (!told || !told->target.starts_with(iqn_prefix)) return std::nullopt;
  const std::string_view id = std::string_view(told->target).substr(iqn_prefix.size());
  if (!id.starts_with(':')) return std::nullopt;
  return Uuid::parse(id.substr(1));
}

}  // namespace vbs::vmm_delegate::xen
