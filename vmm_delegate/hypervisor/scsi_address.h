#pragma once

#include <cstdint>

#include "common/ids.h"

namespace vbs::vmm_delegate {

/// A place on a virtio-scsi bus.
struct ScsiAddress {
  std::uint32_t target;
  std::uint32_t unit;
};

/// The place that follows from the attachment, or the next after it where that is taken, so that a
/// new disk never takes the place of one that has just left: a guest that missed the removal would
/// take the new disk for the old.
inline ScsiAddress scsi_address(const Uuid& attachment, std::uint32_t attempt) {
  // SCSI targets and logical units below 255 are what every guest's driver takes.
  constexpr std::uint32_t kTargets = 255;
  constexpr std::uint32_t kUnits = 255;
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : attachment.str()) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  const std::uint32_t place = (hash + attempt) % (kTargets * kUnits);
  return {place / kUnits, place % kUnits};
}

}  // namespace vbs::vmm_delegate
