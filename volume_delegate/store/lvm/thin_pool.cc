#include "volume_delegate/store/lvm/thin_pool.h"

#include <algorithm>

#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

/// Metadata of one mapped chunk: Documentation/admin-guide/device-mapper/thin-provisioning.rst.
constexpr std::uint64_t kBytesAChunk = 48;
constexpr std::uint64_t kLeastMetadata = 8 * kMiB;
constexpr std::uint64_t kMostMetadata = 15 * kGiB;  // dm-thin uses less than 16 GiB
constexpr std::uint64_t kLeastChunk = 64 * kKiB;

std::string percent(double value) {
  return std::to_string(static_cast<int>(value)) + "%";
}

std::uint64_t chunks(std::uint64_t bytes, std::uint64_t chunk_bytes) {
  return (bytes + chunk_bytes - 1) / chunk_bytes;
}

/// One of the two things that a pool can run out of.
struct Fill {
  const char* what;
  double full;
  const FillMarks& marks;
};

}  // namespace

std::uint64_t ThinPool::metadata_for(std::uint64_t promised_bytes) {
  const std::uint64_t needed = 2 * kBytesAChunk * chunks(promised_bytes, kLeastChunk);
  return std::clamp(needed, kLeastMetadata, kMostMetadata);
}

Result<LogicalVolume> ThinPool::find(const GroupView& view) const {
  const auto* pool = view.find(options_.name);
  if (pool == nullptr) {
    return fail(ErrorCode::not_found, "there is no thin pool " + options_.name);
  }
  if (pool->segment_type != "thin-pool" || pool->chunk_bytes == 0) {
    return fail(ErrorCode::internal, "LV " + options_.name + " is no thin pool");
  }
  if (!pool->zeroes) {
    return fail(ErrorCode::internal,
                "thin pool " + options_.name +
                    " does not zero what it provisions, so volumes would show old bytes: "
                    "`lvchange --zero y` it");
  }
  return *pool;
}

Result<StoreSpace> ThinPool::space(const GroupView& view, std::uint64_t outstanding) const {
  auto pool = find(view);
  if (!pool) return fail(pool.error());
  std::uint64_t promised = outstanding;
  for (const auto& lv : view.volumes) {
    if (lv.pool == options_.name) promised += lv.size_bytes;
  }
  const std::uint64_t usable = pool->size_bytes / 100 * options_.data.refuse;
  return StoreSpace{usable / 100 * options_.overcommit_percent, promised};
}

Result<void> ThinPool::admit(const GroupView& view, std::uint64_t outstanding,
                             std::uint64_t bytes) {
  auto pool = find(view);
  if (!pool) return fail(pool.error());
  if (!pool->health.empty()) {
    return fail(ErrorCode::insufficient_space,
                "thin pool " + options_.name + " is not well: " + pool->health);
  }
  if (auto ok = check_promises(view, *pool, outstanding, bytes); !ok) return ok;
  return check_marks(*pool);
}

Result<void> ThinPool::check_promises(const GroupView& view, const LogicalVolume& pool,
                                      std::uint64_t outstanding, std::uint64_t bytes) const {
  auto room = space(view, outstanding);
  if (!room) return fail(room.error());
  const std::uint64_t taken = room->reserved_bytes;
  if (bytes > room->capacity_bytes || taken > room->capacity_bytes - bytes) {
    return fail(ErrorCode::insufficient_space,
                "no room for " + format_size(bytes) + " in thin pool " + options_.name + ": " +
                    format_size(taken) + " of " + format_size(room->capacity_bytes) +
                    " are promised");
  }
  // Every thin LV maps its chunks by itself, shared ones too: all of it may need its entry, however
  // small the pool is.
  const std::uint64_t needed = kBytesAChunk * chunks(taken + bytes, pool.chunk_bytes);
  const std::uint64_t usable = pool.metadata_bytes / 100 * options_.metadata.refuse;
  if (needed <= usable) return {};
  return fail(ErrorCode::insufficient_space,
              "no room for " + format_size(bytes) + " in thin pool " + options_.name +
                  ": its metadata would need up to " + format_size(needed) + " and may use " +
                  format_size(usable) + " of " + format_size(pool.metadata_bytes) +
                  "; `lvextend --poolmetadatasize` it");
}

Result<void> ThinPool::check_marks(const LogicalVolume& pool) {
  bool rare = false;
  for (const Fill& fill :
       {Fill{"data", pool.data_percent.value_or(0), options_.data},
        Fill{"metadata", pool.metadata_percent.value_or(0), options_.metadata}}) {
    if (fill.full >= fill.marks.refuse) {
      return fail(ErrorCode::insufficient_space, "thin pool " + options_.name + " has used " +
                                                     percent(fill.full) + " of its " + fill.what +
                                                     " space; from " + percent(fill.marks.refuse) +
                                                     " on nothing new is made");
    }
    rare = rare || fill.full >= fill.marks.throttle;
  }
  if (!rare) return {};
  const auto now = clock_.monotonic();
  std::lock_guard lock(mutex_);
  if (last_throttled_ && now - *last_throttled_ < options_.throttled_pause) {
    return fail(ErrorCode::overloaded, "thin pool " + options_.name +
                                           " is nearly full, so little is made in it; ask again");
  }
  last_throttled_ = now;
  return {};
}

std::string ThinPool::warning(const GroupView& view) const {
  auto pool = find(view);
  if (!pool) return pool.error().message;
  if (!pool->health.empty()) {
    return "thin pool " + options_.name + " is not well: " + pool->health;
  }
  for (const Fill& fill :
       {Fill{"data", pool->data_percent.value_or(0), options_.data},
        Fill{"metadata", pool->metadata_percent.value_or(0), options_.metadata}}) {
    if (fill.full < fill.marks.warn) continue;
    return "thin pool " + options_.name + " has used " + percent(fill.full) + " of its " +
           fill.what + " space";
  }
  return "";
}

}  // namespace vbs::volume_delegate
