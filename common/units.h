#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace vbs {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kTiB = 1024 * kGiB;
/// Sizes are whole MiB, so that every store and every sector size can hold them exactly.
inline constexpr std::uint64_t kSizeGranularity = kMiB;
inline constexpr std::uint64_t kMinVolumeSize = kMiB;
/// 16 TiB: ext4's largest file with 4 KiB blocks.
inline constexpr std::uint64_t kMaxVolumeSize = 16 * kTiB;

/// "32M", "10G", "1T", "4096" (bytes), "32MiB"; powers of 1024. The error names field "size".
Result<std::uint64_t> parse_size(std::string_view text);
/// 33554432 -> "32M"; a size that no unit divides is shown with one decimal ("1.5G").
std::string format_size(std::uint64_t bytes);
/// Whole MiB between kMinVolumeSize and kMaxVolumeSize, else an error naming `field`.
Result<void> check_volume_size(std::uint64_t bytes, std::string_view field);
/// "250 ms", "1.4 s", "3 min 20 s".
std::string format_duration(std::int64_t millis);

}  // namespace vbs
