#include "volume_delegate/store/space_account.h"

#include <algorithm>
#include <utility>

#include "common/units.h"

namespace vbs::volume_delegate {

SpaceReservation::SpaceReservation(SpaceReservation&& other) noexcept
    : account_(std::exchange(other.account_, nullptr)), object_(other.object_) {}

SpaceReservation& SpaceReservation::operator=(SpaceReservation&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  account_ = std::exchange(other.account_, nullptr);
  object_ = other.object_;
  return *this;
}

SpaceReservation::~SpaceReservation() {
  give_back();
}

void SpaceReservation::give_back() {
  if (auto* account = std::exchange(account_, nullptr)) account->release(object_);
}

void SpaceReservation::keep() {
  if (auto* account = std::exchange(account_, nullptr)) account->keep(object_);
}

Result<std::unique_ptr<SpaceAccount>> SpaceAccount::open(
    std::map<ObjectRef, std::uint64_t> existing, unsigned reserve_percent, Measure measure) {
  std::unique_ptr<SpaceAccount> account(new SpaceAccount(reserve_percent, std::move(measure)));
  for (const auto& [object, bytes] : existing) account->entries_[object] = Entry{bytes, false};
  auto now = account->measure_now();
  if (!now) return fail(now.error());
  account->capacity_ = account->without_reserve(*now);
  return account;
}

std::uint64_t SpaceAccount::promised() const {
  std::uint64_t sum = 0;
  for (const auto& [object, entry] : entries_) sum += entry.bytes;
  return sum;
}

std::uint64_t SpaceAccount::without_reserve(std::uint64_t bytes) const {
  return bytes / 100 * (100 - reserve_percent_);
}

Result<std::uint64_t> SpaceAccount::measure_now() const {
  std::vector<ObjectRef> objects;
  objects.reserve(entries_.size());
  for (const auto& [object, entry] : entries_) objects.push_back(object);
  return measure_(objects);
}

Result<SpaceReservation> SpaceAccount::reserve(const ObjectRef& object, std::uint64_t bytes) {
  std::lock_guard guard(mutex_);
  if (entries_.contains(object)) {
    return fail(ErrorCode::already_exists, object.str() + " is already there or being made");
  }
  if (auto room = check_room(bytes); !room) return fail(room.error());
  entries_[object] = Entry{bytes, true};
  return SpaceReservation(*this, object);
}

Result<void> SpaceAccount::extend(const ObjectRef& object, std::uint64_t bytes) {
  std::lock_guard guard(mutex_);
  const auto found = entries_.find(object);
  const std::uint64_t promised = found == entries_.end() ? 0 : found->second.bytes;
  if (bytes <= promised) return {};
  if (auto room = check_room(bytes - promised); !room) return room;
  entries_[object].bytes = bytes;
  return {};
}

void SpaceAccount::give_back(const ObjectRef& object, std::uint64_t bytes) {
  std::lock_guard guard(mutex_);
  const auto found = entries_.find(object);
  if (found != entries_.end()) found->second.bytes = bytes;
}

Result<void> SpaceAccount::check_room(std::uint64_t bytes) const {
  const std::uint64_t taken = promised();
  const auto refuse = [&](std::uint64_t limit, const std::string& why) {
    const std::uint64_t left = limit > taken ? limit - taken : 0;
    return fail(ErrorCode::insufficient_space,
                "no room for " + format_size(bytes) + ": " + format_size(taken) + " of " +
                    format_size(limit) + " are promised to " + std::to_string(entries_.size()) +
                    " volumes and snapshots, " + format_size(left) + " are left" + why);
  };
  if (bytes > capacity_ || taken > capacity_ - bytes) return refuse(capacity_, "");
  const auto has_room = [&](std::uint64_t limit) {
    return bytes <= limit && taken <= limit - bytes;
  };
  // To look at every file costs what there are files. Where free space alone is enough, what they
  // hold does not matter.
  auto measured = measure_({});
  if (measured && has_room(without_reserve(*measured))) return {};
  measured = measure_now();
  if (!measured) return fail(measured.error());
  const std::uint64_t now = without_reserve(*measured);
  if (has_room(now)) return {};
  return refuse(now, "; other users of the file system have taken some of what was free");
}

void SpaceAccount::keep(const ObjectRef& object) {
  std::lock_guard guard(mutex_);
  entries_[object].being_made = false;
}

void SpaceAccount::release(const ObjectRef& object) {
  std::lock_guard guard(mutex_);
  entries_.erase(object);
}

void SpaceAccount::reconcile(const std::map<ObjectRef, std::uint64_t>& present,
                             const std::function<bool(const ObjectRef&)>& still_absent) {
  std::lock_guard guard(mutex_);
  std::erase_if(entries_, [&](const auto& item) {
    return !item.second.being_made && !present.contains(item.first) && still_absent(item.first);
  });
  for (const auto& [object, bytes] : present) {
    const auto found = entries_.find(object);
    if (found == entries_.end()) {
      if (!still_absent(object)) entries_[object] = Entry{bytes, false};
    } else if (!found->second.being_made) {
      found->second.bytes = std::max(found->second.bytes, bytes);
    }
  }
}

StoreSpace SpaceAccount::space() const {
  std::lock_guard guard(mutex_);
  return {capacity_, promised()};
}

}  // namespace vbs::volume_delegate
