#include "volume_delegate/store/lvm/lvm_tags.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/names.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::pair<LvStage, std::string_view> kStages[] = {
    {LvStage::zeroing, "zeroing"},   {LvStage::copying, "copying"}, {LvStage::growing, "growing"},
    {LvStage::deleting, "deleting"}, {LvStage::wiped, "wiped"},
};

/// The rest of `tag` after "vbs.KEY=", if it begins so.
std::optional<std::string_view> value_of(std::string_view tag, std::string_view key) {
  if (!tag.starts_with("vbs.")) return std::nullopt;
  tag.remove_prefix(4);
  if (!tag.starts_with(key) || tag.size() <= key.size() || tag[key.size()] != '=') {
    return std::nullopt;
  }
  return tag.substr(key.size() + 1);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<ObjectRef> object(std::string_view text) {
  for (const ObjectKind kind : {ObjectKind::volume, ObjectKind::snapshot, ObjectKind::image}) {
    const std::string_view name = to_string(kind);
    if (!text.starts_with(name) || text.size() <= name.size() || text[name.size()] != ':') continue;
    const auto id = Uuid::parse(text.substr(name.size() + 1));
    if (id) return ObjectRef{kind, *id};
  }
  return std::nullopt;
}

/// Takes one tag into the record; false where it is of VBS and not understood.
bool take(std::string_view tag, LvRecord& record) {
  if (tag == "vbs.lost") return record.lost = true;
  for (const ObjectKind kind : {ObjectKind::volume, ObjectKind::snapshot}) {
    if (const auto text = value_of(tag, to_string(kind))) {
      const auto id = Uuid::parse(*text);
      if (!id || !record.object.id.is_nil()) return false;
      record.object = {kind, *id};
      return true;
    }
  }
  if (const auto text = value_of(tag, "size")) {
    const auto size = number(*text);
    record.size_bytes = size.value_or(0);
    return size.has_value();
  }
  if (const auto text = value_of(tag, "progress")) {
    const auto bytes = number(*text);
    record.progress_bytes = bytes.value_or(0);
    return bytes.has_value();
  }
  if (const auto text = value_of(tag, "grow-to")) {
    const auto bytes = number(*text);
    record.grow_to_bytes = bytes.value_or(0);
    return bytes.has_value();
  }
  if (const auto text = value_of(tag, "onto")) {
    record.onto = *text;
    return true;
  }
  if (const auto text = value_of(tag, "of")) return (record.of = Uuid::parse(*text)).has_value();
  if (const auto text = value_of(tag, "source")) {
    return (record.source = object(*text)).has_value();
  }
  if (const auto text = value_of(tag, "stage")) {
    for (const auto& [stage, name] : kStages) {
      if (*text != name) continue;
      record.stage = stage;
      return true;
    }
    return false;
  }
  // What an operator adds does no harm.
  return !tag.starts_with("vbs.") || value_of(tag, "image") || value_of(tag, "image_name");
}

/// The same for room that a volume grows by.
bool take(std::string_view tag, GrowthRecord& record) {
  if (const auto text = value_of(tag, "grows")) {
    record.volume = Uuid::parse(*text).value_or(Uuid());
    return true;
  }
  if (const auto text = value_of(tag, "size")) {
    record.size_bytes = number(*text).value_or(0);
    return true;
  }
  if (const auto text = value_of(tag, "progress")) {
    record.progress_bytes = number(*text).value_or(0);
    return true;
  }
  if (const auto text = value_of(tag, "stage")) {
    record.zeroed = *text == "zeroed";
    return record.zeroed || *text == "zeroing";
  }
  return !tag.starts_with("vbs.");
}

TagChange change_between(const std::vector<std::string>& before,
                         const std::vector<std::string>& after) {
  TagChange change;
  const auto lacks = [](const std::vector<std::string>& tags, const std::string& tag) {
    return std::find(tags.begin(), tags.end(), tag) == tags.end();
  };
  for (const auto& tag : before) {
    if (lacks(after, tag)) change.remove.push_back(tag);
  }
  for (const auto& tag : after) {
    if (lacks(before, tag)) change.add.push_back(tag);
  }
  return change;
}

}  // namespace

std::string lv_name(const Uuid& id) {
  return "vbs-" + id.str();
}

std::vector<std::string> tags_of(const LvRecord& record) {
  std::vector<std::string> tags;
  tags.push_back("vbs." + std::string(to_string(record.object.kind)) + "=" +
                 record.object.id.str());
  tags.push_back("vbs.size=" + std::to_string(record.size_bytes));
  if (record.of) tags.push_back("vbs.of=" + record.of->str());
  if (record.source) {
    tags.push_back("vbs.source=" + std::string(to_string(record.source->kind)) + ":" +
                   record.source->id.str());
  }
  for (const auto& [stage, name] : kStages) {
    if (record.stage == stage) tags.push_back("vbs.stage=" + std::string(name));
  }
  if (record.progress_bytes > 0) {
    tags.push_back("vbs.progress=" + std::to_string(record.progress_bytes));
  }
  if (record.grow_to_bytes > 0)
    tags.push_back("vbs.grow-to=" + std::to_string(record.grow_to_bytes));
  if (!record.onto.empty()) tags.push_back("vbs.onto=" + record.onto);
  if (record.lost) tags.emplace_back("vbs.lost");
  return tags;
}

std::string growth_name(const Uuid& volume) {
  return lv_name(volume) + "-more";
}

std::vector<std::string> tags_of(const GrowthRecord& record) {
  std::vector<std::string> tags{"vbs.grows=" + record.volume.str(),
                                "vbs.size=" + std::to_string(record.size_bytes),
                                record.zeroed ? "vbs.stage=zeroed" : "vbs.stage=zeroing"};
  if (record.progress_bytes > 0) {
    tags.push_back("vbs.progress=" + std::to_string(record.progress_bytes));
  }
  return tags;
}

std::optional<GrowthRecord> read_growth(const LogicalVolume& lv) {
  GrowthRecord record;
  for (const auto& tag : lv.tags) {
    if (!take(tag, record)) return std::nullopt;
  }
  if (record.volume.is_nil() || record.size_bytes == 0) return std::nullopt;
  if (lv.name != growth_name(record.volume)) return std::nullopt;
  return record;
}

std::optional<LvRecord> read_record(const LogicalVolume& lv) {
  LvRecord record;
  for (const auto& tag : lv.tags) {
    if (!take(tag, record)) return std::nullopt;
  }
  if (record.object.id.is_nil() || record.size_bytes == 0) return std::nullopt;
  if (lv.name != lv_name(record.object.id)) return std::nullopt;
  if (record.object.kind == ObjectKind::snapshot && !record.of) return std::nullopt;
  return record;
}

std::optional<ImageOffer> read_offer(const LogicalVolume& lv) {
  const bool classic_snapshot = !lv.origin.empty() && lv.pool.empty();
  if (classic_snapshot) return std::nullopt;  // its size is that of its room
  ImageOffer offer;
  for (const auto& tag : lv.tags) {
    if (!tag.starts_with("vbs.")) continue;
    if (const auto text = value_of(tag, "image")) {
      const auto id = Uuid::parse(*text);
      if (!id || !offer.id.is_nil()) return std::nullopt;
      offer.id = *id;
    } else if (const auto name = value_of(tag, "image_name")) {
      if (!offer.name.empty() || !check_resource_name(*name, tag)) return std::nullopt;
      offer.name = *name;
    } else {
      return std::nullopt;
    }
  }
  if (offer.id.is_nil()) return std::nullopt;
  return offer;
}

TagChange change_of(const LvRecord& from, const LvRecord& to) {
  return change_between(tags_of(from), tags_of(to));
}
TagChange change_of(const GrowthRecord& from, const GrowthRecord& to) {
  return change_between(tags_of(from), tags_of(to));
}

}  // namespace vbs::volume_delegate
