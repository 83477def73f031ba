#include "volume_delegate/store/lvm/lvm_scrubber.h"

#include <algorithm>
#include <utility>

#include "common/fault_point.h"
#include "common/log.h"

namespace vbs::volume_delegate {

LvmScrubber::LvmScrubber(VolumeGroup& group, Pace& pace)
    : group_(group), pace_(pace), thread_([this] { run(); }) {}

LvmScrubber::~LvmScrubber() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    control_.cancelled = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LvmScrubber::add(const Uuid& id) {
  {
    std::lock_guard lock(mutex_);
    if (std::find(waiting_.begin(), waiting_.end(), id) != waiting_.end()) return;
    waiting_.push_back(id);
  }
  changed_.notify_all();
}

void LvmScrubber::wait(const Uuid& id, Milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [&] {
    return std::find(waiting_.begin(), waiting_.end(), id) == waiting_.end();
  });
}

std::uint64_t LvmScrubber::progress(const Uuid& id) const {
  std::lock_guard lock(mutex_);
  const bool in_work = !waiting_.empty() && waiting_.front() == id;
  return in_work ? control_.copied_bytes.load() : 0;
}

void LvmScrubber::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Uuid id = waiting_.front();
    control_.copied_bytes = 0;
    lock.unlock();
    const auto done = scrub(id);
    lock.lock();
    waiting_.pop_front();
    if (!done && !stopping_) {
      log::warning("cannot wipe", {{"id", id.str()}, {"error", describe(done.error())}});
    }
    changed_.notify_all();
  }
}

Result<void> LvmScrubber::scrub(const Uuid& id) {
  auto view = group_.look();
  if (!view) return fail(view.error());
  auto object = find_object(**view, id);
  if (!object) return {};
  if (object->record.on_its_way_out()) return erase(std::move(*object));
  if (object->record.stage == LvStage::growing) return finish_growth(std::move(*object));
  return {};
}

Result<void> LvmScrubber::erase(LvmObject object) {
  if (object.record.stage == LvStage::deleting) {
    if (!object.lv.origin.empty()) {
      // Its room holds bytes of its volume; as an LV of its own it can be wiped.
      if (auto ok = group_.change(group_.commands().split_snapshot(object.lv.name)); !ok) return ok;
      object.lv.origin.clear();
      object.lv.active = false;  // not known: activating what is active does nothing
    }
    fault_point("volumed.wipe.before_act");
    if (auto ok = zero_rest(object); !ok) return ok;
    fault_point("volumed.wipe.after_act");
    LvRecord wiped = object.record;
    wiped.stage = LvStage::wiped;
    wiped.progress_bytes = 0;
    if (auto ok = change_record(group_, object, wiped); !ok) return ok;
  }
  fault_point("volumed.wipe.after_record");
  auto removed = group_.change(group_.commands().remove({object.lv.name}));
  if (removed) log::info("wiped and removed", {{"lv", object.lv.name}});
  return removed;
}

Result<void> LvmScrubber::finish_growth(LvmObject object) {
  LvRecord whole = object.record;
  whole.stage = LvStage::whole;
  whole.progress_bytes = 0;
  whole.grow_to_bytes = 0;
  // Where the extents were never added, it keeps the size that it had.
  if (object.lv.size_bytes >= object.record.grow_to_bytes) {
    if (auto ok = zero_rest(object); !ok) return ok;
    whole.size_bytes = object.record.grow_to_bytes;
  }
  return change_record(group_, object, whole);
}

Result<void> LvmScrubber::zero_rest(LvmObject& object) {
  if (!object.lv.active) {
    if (auto ok = group_.change(group_.commands().activate({object.lv.name})); !ok) return ok;
  }
  const bool alone = object.record.stage == LvStage::deleting;
  auto device = BlockDevice::open(group_.device(object.lv.name),
                                  alone ? BlockDevice::Use::write_alone : BlockDevice::Use::write);
  if (!device) return fail(device.error());
  return zero_range(*device, object.record.progress_bytes, object.lv.size_bytes, pace_, control_,
                    [&](std::uint64_t offset) {
                      LvRecord further = object.record;
                      further.progress_bytes = offset;
                      return change_record(group_, object, further);
                    });
}

}  // namespace vbs::volume_delegate
