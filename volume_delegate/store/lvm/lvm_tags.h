#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/store/lvm/lvm_report.h"

namespace vbs::volume_delegate {

/// Where in its life an LV of VBS is, by one tag "vbs.stage=...", which every change of stage
/// exchanges in one commit of the volume group's metadata:
///
///     zeroing    a new volume, not handed out; after a crash it is removed
///     copying    the same, but it holds somebody's bytes; after a crash it is wiped and removed
///     (none)     whole
///     growing    whole, in its old size; extents that are all zeros are being added to it
///     deleting   nobody's any more; it is being wiped
///     wiped      its extents may be freed
enum class LvStage { zeroing, copying, whole, growing, deleting, wiped };

/// What the tags of an LV of VBS say:
///     vbs.volume=UUID or vbs.snapshot=UUID, vbs.size=BYTES, vbs.stage=...,
///     vbs.of=UUID (a snapshot's volume), vbs.source=volume:UUID (what a volume was copied from),
///     vbs.progress=BYTES (wiped so far, while deleting), vbs.lost (overflowed),
///     vbs.grow-to=BYTES and vbs.onto=MARK (while growing: its size and its extents, afterwards)
struct LvRecord {
  ObjectRef object;
  std::uint64_t size_bytes = 0;  ///< as ordered; the LV has whole extents
  std::optional<Uuid> of;
  std::optional<ObjectRef> source;
  LvStage stage = LvStage::whole;
  std::uint64_t progress_bytes = 0;
  std::uint64_t grow_to_bytes = 0;  ///< the size it will have, while growing
  std::string onto;                 ///< mark_of the extents that it gets, while growing
  bool lost = false;

  /// Somebody may use it.
  bool usable() const { return stage == LvStage::whole || stage == LvStage::growing; }
  bool unfinished() const { return stage == LvStage::zeroing || stage == LvStage::copying; }
  bool on_its_way_out() const { return stage == LvStage::deleting || stage == LvStage::wiped; }
};

/// "vbs-UUID"
std::string lv_name(const Uuid& id);
std::vector<std::string> tags_of(const LvRecord& record);
/// nullopt: not of VBS, and not to be touched. Tags under another name than theirs do not count.
std::optional<LvRecord> read_record(const LogicalVolume& lv);

/// Room for a volume that is to grow, until all of it is zeros: an LV of its own, "vbs-UUID-more",
/// with the tags
///     vbs.grows=UUID, vbs.size=BYTES (the volume's, afterwards), vbs.stage=zeroing or zeroed,
///     vbs.progress=BYTES (zeroed so far)
/// It holds nothing of anybody, and may be removed at any time.
struct GrowthRecord {
  Uuid volume;
  std::uint64_t size_bytes = 0;
  bool zeroed = false;
  std::uint64_t progress_bytes = 0;
};
std::string growth_name(const Uuid& volume);
std::vector<std::string> tags_of(const GrowthRecord& record);
/// nullopt: no such LV.
std::optional<GrowthRecord> read_growth(const LogicalVolume& lv);

/// What the tags of an image say, which an operator gives an LV: "vbs.image=UUID" and, if it has a
/// name, "vbs.image_name=NAME".
struct ImageOffer {
  Uuid id;
  std::string name;
};
/// nullopt: no image, because it has no such tag, one that is not understood, or others of VBS, or
/// is a classic snapshot.
std::optional<ImageOffer> read_offer(const LogicalVolume& lv);

/// Tags to take away and to add so that an LV with the first record has the second.
struct TagChange {
  std::vector<std::string> remove, add;
};
TagChange change_of(const LvRecord& from, const LvRecord& to);
TagChange change_of(const GrowthRecord& from, const GrowthRecord& to);

}  // namespace vbs::volume_delegate
