#include "common/names.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"
#include "volume_delegate/store/lvm/lvm_extents.h"
#include "volume_delegate/store/lvm/lvm_report.h"
#include "volume_delegate/store/lvm/lvm_tags.h"

namespace {

using namespace vbs;
using namespace vbs::volume_delegate;
using fuzz::require;

/// A record is written as tags that say it again.
template <class Record>
void check_tags_of(const LogicalVolume& lv, const std::optional<Record>& record,
                   std::optional<Record> (*read)(const LogicalVolume&)) {
  if (!record) return;
  LogicalVolume written;
  written.name = lv.name;
  written.tags = tags_of(*record);
  const auto again = read(written);
  require(again && tags_of(*again) == written.tags, "a record is written as it is read");
}

void check_extents(const LogicalVolume& lv, const GroupSize& group) {
  const auto extents = extents_behind(lv, lv.size_bytes / 2, group);
  if (!extents) return;
  for (const ExtentRange& range : *extents)
    require(range.first <= range.last, "extents go upwards");
  require(mark_of(*extents).size() == 16, "a mark has 16 digits");
}

}  // namespace

/// What lvs and vgs report, and lvm's complaints.
void vbs::fuzz::one_input(std::string_view input) {
  require(is_utf8(lvm_error("lvs", 5, input).message), "a complaint is UTF-8");
  parse_vgs(input);
  const auto view = parse_lvs(input);
  if (!view) return;
  for (const LogicalVolume& lv : view->volumes) {
    require(view->find(lv.name) != nullptr, "an LV is found by its name");
    check_tags_of(lv, read_record(lv), read_record);
    check_tags_of(lv, read_growth(lv), read_growth);
    const auto offer = read_offer(lv);
    require(!offer || offer->name.empty() || check_resource_name(offer->name, "name"),
            "an image has a name");
    check_extents(lv, view->group);
  }
}
