#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace vbs::volume_delegate {

/// Where a piece of an LV lies, as lvm writes it: "/dev/vdb:0-7", "lv_of_its_own:0-7", several
/// areas separated by blanks, or "" (lvm_extents.h reads it).
struct LvSegment {
  std::uint64_t start_bytes = 0;
  std::string ranges;
};

/// One LV of `lvs --reportformat json --units b --nosuffix --binary` with `lvs_columns`.
struct LogicalVolume {
  std::string name;
  std::uint64_t size_bytes = 0;  ///< whole extents
  std::vector<std::string> tags;
  std::string origin;  ///< of a classic or thin snapshot, or a thin volume's image; "" if none
  std::string pool;    ///< of a thin volume
  std::string segment_type;  ///< "linear" (a classic snapshot too), "thin", "thin-pool", ...
  bool read_only = false;
  bool active = false;
  bool open = false;       ///< somebody has its device open
  bool suspended = false;  ///< whoever reads or writes it waits
  bool invalid = false;    ///< a classic snapshot that overflowed
  std::optional<double> data_percent;
  std::optional<double> metadata_percent;  ///< of a pool
  std::uint64_t metadata_bytes = 0;        ///< of a pool
  std::uint64_t chunk_bytes = 0;           ///< of a pool
  bool zeroes = false;                     ///< a pool that zeroes what it provisions
  std::string health;                      ///< "" is good
  std::optional<dev_t> device_number;      ///< of the block device that it has while active
  std::vector<LvSegment> segments;         ///< by their place in the LV
};

struct GroupSize {
  std::uint64_t size_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t extent_bytes = 0;
  /// Room that lvm has for what it writes of each LV, some 400 bytes, where it tells.
  std::optional<std::uint64_t> metadata_free_bytes = std::nullopt;
  /// `bytes` in whole extents.
  std::uint64_t round_up(std::uint64_t bytes) const {
    return (bytes + extent_bytes - 1) / extent_bytes * extent_bytes;
  }
};

/// One look at a volume group.
struct GroupView {
  GroupSize group;
  std::vector<LogicalVolume> volumes;  ///< by name
  const LogicalVolume* find(std::string_view name) const;
};

/// Columns to ask for, as the parsers need them. The formats are those that lvm 2.03.16 was seen to
/// print (tests/recorded/lvm).
std::string_view lvs_columns();
std::string_view vgs_columns();

/// `group` is left empty where there is no LV at all: then ask vgs.
Result<GroupView> parse_lvs(std::string_view text);
Result<GroupSize> parse_vgs(std::string_view text);

/// What a failed command of lvm means, by the text that it wrote on standard error: conflict (in
/// use), insufficient_space, already_exists, else internal. The first line is the message.
Error lvm_error(std::string_view what, int exit_code, std::string_view text);

}  // namespace vbs::volume_delegate
