#include "volume_delegate/export_settings.h"

#include <utility>

#include "common/json.h"

namespace vbs::volume_delegate {
namespace {

/// The name of the record, which is no UUID as those of exports are.
const std::string kName = "target-settings";

/// Key of the table [target], and its value.
using Values = std::vector<std::pair<std::string, std::string>>;

Result<Values> read_values(RecordFolder& folder, Values values) {
  const auto text = folder.read(kName);
  if (!text) return fail(text.error());
  const auto value = json::parse(*text);
  if (!value) return fail(value.error());
  json::Fields fields(*value);
  for (auto& [key, held] : values) held = fields.string(key);
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  return values;
}

Result<void> write_values(RecordFolder& folder, const Values& values) {
  json::Writer out;
  out.begin_object();
  for (const auto& [key, value] : values) out.member(key, value);
  out.end_object();
  return folder.write(kName, out.take());
}

}  // namespace

Result<void> check_exports_keep_their_target(RecordFolder& folder, const TargetDriver& target,
                                             const std::string& iqn_prefix,
                                             const ExportRecords& exports) {
  const Values now = {
      {"driver", target.name()}, {"portal", target.portal()}, {"iqn_prefix", iqn_prefix}};
  const auto held = read_values(folder, now);
  // Older versions wrote none; their exports were made as this one is set now.
  const bool is_new = !held && held.error().code == ErrorCode::not_found;
  if (!held && !is_new) {
    return fail(ErrorCode::internal,
                "the record " + kName + " of the exports is damaged: " + describe(held.error()));
  }
  if (held == now) return {};
  const std::size_t present = exports.present().size();
  if (is_new || present == 0) return write_values(folder, now);
  for (std::size_t i = 0; i < now.size(); ++i) {
    const auto& [key, value] = now[i];
    const std::string& was = (*held)[i].second;
    if (was == value) continue;
    return fail_field("target." + key, "is \"" + value + "\", but was \"" + was +
                                           "\" when the exports were made, of which " +
                                           std::to_string(present) +
                                           " are there; set it back, and change it when they are "
                                           "removed");
  }
  return {};
}

}  // namespace vbs::volume_delegate
