#include "volume_delegate/store/lvm/lvm_report.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>

#include "common/json.h"
#include "common/text.h"
#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

/// 100,000 LVs, with room to spare.
constexpr json::Limits kReportLimits{256 * kMiB, 16, 4'000'000};

tl::unexpected<Error> not_understood(const std::string& why) {
  return fail(ErrorCode::internal, "lvm's report is not understood: " + why);
}

/// Rows of one section ("lv", "vg") of a report.
Result<json::Value> parse_report(std::string_view text, std::string_view section) {
  auto value = json::parse(text, kReportLimits);
  if (!value) return not_understood(value.error().message);
  const auto* report = value->find("report");
  const auto* parts = report ? report->as<json::Value::Array>() : nullptr;
  if (!parts || parts->size() != 1) return not_understood("it has not one part");
  const auto* rows = parts->front().find(section);
  if (!rows || !rows->as<json::Value::Array>()) return not_understood("it has no rows");
  return *rows;
}

/// Reads the columns of one row, all of which are texts, and keeps the first complaint.
class Row {
 public:
  explicit Row(const json::Value& value) : value_(value) {}

  std::string text(std::string_view column) {
    const auto* member = value_.find(column);
    const auto* text = member ? member->as<std::string>() : nullptr;
    if (text) return *text;
    complain(column, "is missing");
    return "";
  }
  std::uint64_t bytes(std::string_view column) {
    const std::string digits = text(column);
    if (digits.empty()) return 0;
    std::uint64_t number = 0;
    if (!read(digits, number)) complain(column, "is no number");
    return number;
  }
  std::optional<double> percent(std::string_view column) {
    const std::string digits = text(column);
    if (digits.empty()) return std::nullopt;
    double number = 0;
    if (!read(digits, number) || !(number >= 0 && number <= 100)) complain(column, "is no share");
    return number;
  }
  /// nullopt where it is no number, as "-1" and "".
  std::optional<std::uint64_t> maybe_number(std::string_view column) {
    const auto* member = value_.find(column);
    const auto* digits = member ? member->as<std::string>() : nullptr;
    std::uint64_t number = 0;
    if (digits == nullptr || !read(*digits, number)) return std::nullopt;
    return number;
  }
  std::string maybe_text(std::string_view column) {
    const auto* member = value_.find(column);
    const auto* text = member ? member->as<std::string>() : nullptr;
    return text ? *text : "";
  }
  /// "1"; "0" and "-1" (unknown, as where the LV is not active) are no.
  bool flag(std::string_view column) { return text(column) == "1"; }

  std::string complaint;

 private:
  template <class Number>
  static bool read(const std::string& digits, Number& number) {
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    return error == std::errc{} && stop == end;
  }
  void complain(std::string_view column, std::string_view what) {
    if (complaint.empty()) complaint = std::string(column) + " " + std::string(what);
  }

  const json::Value& value_;
};

std::vector<std::string> split_tags(const std::string& text) {
  std::vector<std::string> tags;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    tags.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return tags;
}

LogicalVolume read_volume(Row& row) {
  LogicalVolume lv;
  lv.name = row.text("lv_name");
  lv.size_bytes = row.bytes("lv_size");
  lv.tags = split_tags(row.text("lv_tags"));
  lv.origin = row.text("origin");
  lv.pool = row.text("pool_lv");
  lv.segment_type = row.text("segtype");
  lv.read_only = row.text("lv_permissions").starts_with("read-only");
  lv.active = row.flag("lv_active_locally");
  lv.open = row.flag("lv_device_open");
  lv.invalid = row.flag("lv_snapshot_invalid");
  lv.data_percent = row.percent("data_percent");
  lv.metadata_percent = row.percent("metadata_percent");
  lv.metadata_bytes = row.bytes("lv_metadata_size");
  lv.chunk_bytes = row.bytes("chunk_size");
  lv.zeroes = row.flag("zero");
  lv.health = row.text("lv_health_status");
  // Whoever needs what follows fails by itself where it is missing.
  lv.suspended = row.maybe_text("lv_suspended") == "1";
  const auto major = row.maybe_number("lv_kernel_major");
  const auto minor = row.maybe_number("lv_kernel_minor");
  if (major && minor) {
    lv.device_number = ::makedev(static_cast<unsigned>(*major), static_cast<unsigned>(*minor));
  }
  lv.segments.push_back(
      {row.maybe_number("seg_start").value_or(0), row.maybe_text("seg_pe_ranges")});
  return lv;
}

/// An LV of several segments has a row for each.
void merge_rows(std::vector<LogicalVolume>& all) {
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& one, const auto& other) { return one.name < other.name; });
  std::vector<LogicalVolume> merged;
  for (auto& row : all) {
    if (merged.empty() || merged.back().name != row.name) {
      merged.push_back(std::move(row));
    } else {
      merged.back().segments.push_back(std::move(row.segments.front()));
    }
  }
  for (auto& lv : merged) {
    std::sort(lv.segments.begin(), lv.segments.end(), [](const auto& one, const auto& other) {
      return one.start_bytes < other.start_bytes;
    });
  }
  all = std::move(merged);
}

GroupSize read_group(Row& row) {
  return {row.bytes("vg_size"), row.bytes("vg_free"), row.bytes("vg_extent_size"),
          row.maybe_number("vg_mda_free")};
}

/// Texts of lib/metadata/*.c and lib/activate/*.c of lvm 2.03.16, with what they mean.
constexpr struct {
  std::string_view text;
  ErrorCode code;
} kMeanings[] = {
    {" in use.", ErrorCode::conflict},
    {"is used by another device", ErrorCode::conflict},
    {"contains a filesystem in use", ErrorCode::conflict},
    {"nsufficient free space", ErrorCode::insufficient_space},
    {"nsufficient suitable", ErrorCode::insufficient_space},
    {"exceeds maximum metadata size", ErrorCode::insufficient_space},  // of the group's own
    {"already exists in volume group", ErrorCode::already_exists},
    {"can be resized only while inactive", ErrorCode::conflict},  // it has classic snapshots
    {"the external origin", ErrorCode::conflict},  // "Cannot use active LV for ...", or writable
    {"as external origin with", ErrorCode::conflict},  // not a multiple of the pool's chunks
};

/// The first line that is no warning, else the first one.
std::string_view telling_line(std::string_view text) {
  std::string_view first;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.empty() && !line.starts_with("WARNING:")) return line;
    if (first.empty()) first = line;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return first;
}

}  // namespace

const LogicalVolume* GroupView::find(std::string_view name) const {
  const auto found = std::lower_bound(
      volumes.begin(), volumes.end(), name,
      [](const LogicalVolume& lv, std::string_view wanted) { return lv.name < wanted; });
  return found == volumes.end() || found->name != name ? nullptr : &*found;
}

std::string_view lvs_columns() {
  return "lv_name,lv_size,lv_tags,origin,pool_lv,segtype,lv_permissions,lv_active_locally,"
         "lv_device_open,lv_snapshot_invalid,data_percent,metadata_percent,lv_metadata_size,"
         "chunk_size,zero,lv_health_status,lv_suspended,lv_kernel_major,lv_kernel_minor,seg_start,"
         "seg_pe_ranges,vg_size,vg_free,vg_extent_size,vg_mda_free";
}

std::string_view vgs_columns() {
  return "vg_size,vg_free,vg_extent_size,vg_mda_free";
}

Result<GroupView> parse_lvs(std::string_view text) {
  auto rows = parse_report(text, "lv");
  if (!rows) return fail(rows.error());
  GroupView view;
  for (const auto& value : *rows->as<json::Value::Array>()) {
    Row row(value);
    auto lv = read_volume(row);
    view.group = read_group(row);
    if (!row.complaint.empty())
      return not_understood("of LV " + quote(lv.name) + ", " + row.complaint);
    if (view.group.extent_bytes == 0) return not_understood("extents have no size");
    view.volumes.push_back(std::move(lv));
  }
  merge_rows(view.volumes);
  return view;
}

Result<GroupSize> parse_vgs(std::string_view text) {
  auto rows = parse_report(text, "vg");
  if (!rows) return fail(rows.error());
  const auto& all = *rows->as<json::Value::Array>();
  if (all.size() != 1) return not_understood("it shows not one volume group");
  Row row(all.front());
  const auto group = read_group(row);
  if (!row.complaint.empty()) return not_understood(row.complaint);
  if (group.extent_bytes == 0) return not_understood("extents have no size");
  return group;
}

Error lvm_error(std::string_view what, int exit_code, std::string_view text) {
  Error error;
  for (const auto& meaning : kMeanings) {
    if (text.find(meaning.text) == std::string_view::npos) continue;
    error.code = meaning.code;
    break;
  }
  const auto line = telling_line(text);
  error.message = "lvm " + std::string(what) + " failed (" + std::to_string(exit_code) +
                  "): " + to_utf8(line.empty() ? "it says nothing" : line);
  return error;
}

}  // namespace vbs::volume_delegate
