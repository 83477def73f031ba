#include "volume_delegate/store/lvm/lvm_extents.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace vbs::volume_delegate {
namespace {

bool read(std::string_view digits, std::uint64_t& number) {
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  return error == std::errc{} && stop == end;
}

/// "/dev/vdb:0-7", and nothing else: an area that is an LV, or a second area, is of no linear LV.
std::optional<ExtentRange> parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (!text.starts_with('/') || colon == std::string_view::npos) return std::nullopt;
  const auto numbers = text.substr(colon + 1);
  const auto dash = numbers.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  ExtentRange range{std::string(text.substr(0, colon)), 0, 0};
  const bool understood =
      read(numbers.substr(0, dash), range.first) && read(numbers.substr(dash + 1), range.last);
  if (!understood || range.last < range.first) return std::nullopt;
  return range;
}

void sort_and_join(std::vector<ExtentRange>& extents) {
  std::sort(extents.begin(), extents.end());
  std::vector<ExtentRange> joined;
  for (auto& range : extents) {
    const bool follows = !joined.empty() && joined.back().device == range.device &&
                         joined.back().last + 1 == range.first;
    if (follows) {
      joined.back().last = range.last;
    } else {
      joined.push_back(std::move(range));
    }
  }
  extents = std::move(joined);
}

}  // namespace

std::string ExtentRange::str() const {
  return device + ":" + std::to_string(first) + "-" + std::to_string(last);
}

Result<std::vector<ExtentRange>> extents_behind(const LogicalVolume& lv, std::uint64_t from_bytes,
                                                const GroupSize& group) {
  const std::uint64_t from = from_bytes / group.extent_bytes;
  std::vector<ExtentRange> out;
  std::uint64_t at = 0;
  for (const auto& segment : lv.segments) {
    auto range = parse(segment.ranges);
    if (lv.segment_type != "linear" || !range) {
      return fail(ErrorCode::internal, "it is not understood where LV " + lv.name + " lies: " +
                                           lv.segment_type + " \"" + segment.ranges + "\"");
    }
    const std::uint64_t end = at + (range->last - range->first + 1);
    if (end > from) {
      range->first += from > at ? from - at : 0;
      out.push_back(std::move(*range));
    }
    at = end;
  }
  if (at * group.extent_bytes != lv.size_bytes) {
    return fail(ErrorCode::internal, "the segments of LV " + lv.name + " are not all of it");
  }
  sort_and_join(out);
  return out;
}

std::string mark_of(const std::vector<ExtentRange>& extents) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto& range : extents) {
    for (const char c : range.str() + " ") {
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
  }
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; hash >>= 4) text[i] = kDigits[hash & 15];
  return text;
}

}  // namespace vbs::volume_delegate
