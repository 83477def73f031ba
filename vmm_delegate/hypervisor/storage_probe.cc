#include "vmm_delegate/hypervisor/storage_probe.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kFolder = "/dev/disk/by-path/ip-";
constexpr std::string_view kTarget = "-iscsi-";
constexpr std::string_view kUnit = "-lun-";

}  // namespace

std::optional<StoragePlace> storage_place(std::string_view path) {
  if (!path.starts_with(kFolder)) return std::nullopt;
  path.remove_prefix(kFolder.size());
  const auto target = path.find(kTarget);
  const auto unit = path.rfind(kUnit);
  if (target == 0 || target == path.npos || unit == path.npos) return std::nullopt;
  const auto begin = target + kTarget.size();
  if (unit <= begin) return std::nullopt;
  return StoragePlace{std::string(path.substr(0, target)),
                      std::string(path.substr(begin, unit - begin))};
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
