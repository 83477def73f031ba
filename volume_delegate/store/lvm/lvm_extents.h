#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "volume_delegate/store/lvm/lvm_report.h"

namespace vbs::volume_delegate {

/// Physical extents of one device, both ends included.
struct ExtentRange {
  std::string device;
  std::uint64_t first = 0, last = 0;
  auto operator<=>(const ExtentRange&) const = default;
  /// "/dev/vdb:0-7", as lvm's commands take it.
  std::string str() const;
};

/// Where the bytes of a linear LV from `from_bytes` (whole extents) on lie: sorted by device and
/// place, neighbours as one.
Result<std::vector<ExtentRange>> extents_behind(const LogicalVolume& lv, std::uint64_t from_bytes,
                                                const GroupSize& group);

/// Short text that tells one set of extents from another; fit for a tag. (FNV-1a, 64 bits.)
std::string mark_of(const std::vector<ExtentRange>& extents);

}  // namespace vbs::volume_delegate
