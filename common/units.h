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

/// "32M", "32m", "32MiB", "10G", "1T", "4096" (bytes); powers of 1024, below 2^63 bytes. A decimal
/// fraction ("1.5G") is fine if it comes out in whole bytes. The error names field "size".
Result<std::uint64_t> parse_size(std::string_view text);
/// 33554432 -> "32M", 1610612736 -> "1.5G": the largest unit that shows it exactly with at most one
/// decimal, so that parse_size gives it back; a size for which there is none is rounded ("1.2K").
std::string format_size(std::uint64_t bytes);
/// Whole MiB between kMinVolumeSize and kMaxVolumeSize, else an error naming `field`.
Result<void> check_volume_size(std::uint64_t bytes, std::string_view field);
/// "250 ms", "1.4 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"; what is smaller is cut off.
std::string format_duration(std::int64_t millis);

}  // namespace vbs
