#include "vmm_delegate/hypervisor/storage_probe.h"

#include "vmm_delegate/initiator/iscsi_names.h"

namespace vbs::vmm_delegate {

std::optional<StoragePlace> storage_place(std::string_view path) {
  const auto told = parse_by_path(path);
  if (!told) return std::nullopt;
  return StoragePlace{joined_portal(told->portal), told->target};
}

Result<void> check_storage(const StorageProbe& probe, const StoragePlace& place) {
  if (!probe || place.portal.empty()) return {};
  auto alive = probe(place.portal, place.target);
  if (alive) return {};
  return fail(
      ErrorCode::node_unavailable,
      "the device is left in place, because the VM would stand still until its storage at " +
          place.portal + " answers again (" + alive.error().message + ")");
}

}  // namespace vbs::vmm_delegate
