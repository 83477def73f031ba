#include "volume_delegate/store/lvm/lvm_scrubber.h"

#include <algorithm>
#include <utility>

#include "common/log.h"

namespace vbs::volume_delegate {

LvmScrubber::LvmScrubber(Work work) : work_(std::move(work)), thread_([this] { run(); }) {}

LvmScrubber::~LvmScrubber() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    control_.cancelled = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LvmScrubber::add(const Uuid& id, std::uint64_t bytes) {
  {
    std::lock_guard lock(mutex_);
    // Even in work: that may have looked before what is new happened.
    const auto [entry, added] = waiting_.emplace(id, bytes);
    if (!added) entry->second = std::min(entry->second, bytes);
  }
  changed_.notify_all();
}

void LvmScrubber::interrupt(const Uuid& id) {
  std::lock_guard lock(mutex_);
  if (in_work_ == id) control_.cancelled = true;
}

void LvmScrubber::wait(const Uuid& id, Milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [&] { return !contains(id); });
}

std::uint64_t LvmScrubber::progress(const Uuid& id) const {
  std::lock_guard lock(mutex_);
  return in_work_ == id ? control_.copied_bytes.load() : 0;
}

std::optional<Error> LvmScrubber::failure(const Uuid& id) const {
  std::lock_guard lock(mutex_);
  const auto found = failures_.find(id);
  if (found == failures_.end() || contains(id)) return std::nullopt;
  return found->second;
}

void LvmScrubber::keep_failures(const std::set<Uuid>& of) {
  std::lock_guard lock(mutex_);
  std::erase_if(failures_, [&](const auto& item) { return !of.contains(item.first); });
}

std::string LvmScrubber::trouble() const {
  std::lock_guard lock(mutex_);
  return failures_.empty() ? "" : failures_.begin()->second.message;
}

void LvmScrubber::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const auto smallest = std::min_element(
        waiting_.begin(), waiting_.end(),
        [](const auto& one, const auto& other) { return one.second < other.second; });
    const Uuid id = smallest->first;
    waiting_.erase(smallest);
    in_work_ = id;
    control_.copied_bytes = 0;
    control_.cancelled = false;
    lock.unlock();
    const auto done = work_(id, control_);
    lock.lock();
    end(id, done);
    changed_.notify_all();
  }
}

void LvmScrubber::end(const Uuid& id, const Result<void>& done) {
  in_work_.reset();
  if (done || control_.cancelled) {
    failures_.erase(id);
    return;
  }
  waiting_.erase(id);  // it would fail again at once, and keep the others waiting
  const auto before = failures_.find(id);
  const bool new_one = before == failures_.end() || before->second.message != done.error().message;
  if (new_one) {  // else it is said every few seconds
    log::warning("cannot zero", {{"id", id.str()}, {"error", describe(done.error())}});
  }
  failures_.insert_or_assign(id, done.error());
}

}  // namespace vbs::volume_delegate
