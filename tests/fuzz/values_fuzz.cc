#include "cli/command.h"
#include "cli/settings.h"
#include "cli/values.h"
#include "common/units.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace vbs;
using fuzz::require;

void check_size(std::string_view input) {
  const auto size = parse_size(input);
  if (!size) return;
  require(*size <= INT64_MAX, "a size is below 2^63");
  const bool needs_rounding = *size >= kKiB && *size % kKiB != 0;
  const auto shown = parse_size(format_size(*size));
  require(needs_rounding || (shown && *shown == *size), "a size is shown as it is");
}

}  // namespace

/// Values on the command line.
void vbs::fuzz::one_input(std::string_view input) {
  check_size(input);
  for (const std::uint64_t present : {std::uint64_t{0}, 10 * kGiB, kMaxVolumeSize}) {
    const auto grown = cli::parse_growth(input, present);
    require(!grown || !input.starts_with('+') || *grown >= present,
            "growing makes nothing smaller");
  }
  if (const auto time = cli::parse_duration(input)) {
    require(time->count() > 0 && *time <= std::chrono::hours(7 * 24), "a wait ends");
    format_duration(time->count());
  }
  const std::string value(input);
  for (int kind = 0; kind <= static_cast<int>(cli::ValueKind::operation); ++kind) {
    cli::check_value(static_cast<cli::ValueKind>(kind), {"one", "other"}, value);
  }
  if (const auto url = cli::check_url(value)) {
    require(cli::check_url(*url) == *url, "a URL that was checked passes again");
  }
}
