#include "volume_delegate/tombstones.h"

#include <utility>
#include <vector>

#include "common/json.h"

namespace vbs::volume_delegate {
namespace {

Result<WallTime> parse_tombstone(const std::string& text) {
  auto value = json::parse(text);
  if (!value) return fail(value.error());
  json::Fields fields(*value);
  const std::int64_t deleted_at = fields.int64("deleted_at_ms");
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  return from_millis(deleted_at);
}

}  // namespace

Result<std::unique_ptr<Tombstones>> Tombstones::load(RecordFolder& folder) {
  auto names = folder.names();
  if (!names) return fail(names.error());
  std::unique_ptr<Tombstones> tombstones(new Tombstones(folder));
  for (const auto& name : *names) {
    const auto id = Uuid::parse(name);
    if (!id) continue;
    auto text = folder.read(name);
    if (!text) return fail(text.error());
    auto deleted_at = parse_tombstone(*text);
    if (!deleted_at) {
      return fail(ErrorCode::internal, "the tombstone of " + name + " is damaged (" +
                                           deleted_at.error().message +
                                           "); remove the file to go on without it");
    }
    tombstones->buried_[*id] = *deleted_at;
  }
  return tombstones;
}

bool Tombstones::contains(const Uuid& id) const {
  std::lock_guard guard(mutex_);
  return buried_.contains(id);
}

Result<void> Tombstones::add(const Uuid& id, WallTime now) {
  if (contains(id)) return {};
  json::Writer out;
  out.begin_object();
  out.member("deleted_at_ms", to_millis(now));
  out.end_object();
  if (auto written = folder_.write(id.str(), out.take()); !written) return written;
  std::lock_guard guard(mutex_);
  buried_[id] = now;
  return {};
}

Result<void> Tombstones::prune(WallTime limit) {
  std::vector<Uuid> old;
  {
    std::lock_guard guard(mutex_);
    for (const auto& [id, deleted_at] : buried_) {
      if (deleted_at < limit) old.push_back(id);
    }
  }
  for (const auto& id : old) {
    if (auto removed = folder_.remove(id.str()); !removed) return removed;
    std::lock_guard guard(mutex_);
    buried_.erase(id);
  }
  return {};
}

}  // namespace vbs::volume_delegate
