#include "volume_delegate/store/lvm/lvm_jobs.h"

#include <utility>

#include "volume_delegate/store/lvm/lvm_tags.h"

namespace vbs::volume_delegate {

LvmJobs::Ticket::Ticket(Ticket&& other) noexcept
    : jobs_(std::exchange(other.jobs_, nullptr)), id_(other.id_) {}

LvmJobs::Ticket& LvmJobs::Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  end();
  jobs_ = std::exchange(other.jobs_, nullptr);
  id_ = other.id_;
  return *this;
}

void LvmJobs::Ticket::end() {
  auto* jobs = std::exchange(jobs_, nullptr);
  if (jobs == nullptr) return;
  const std::scoped_lock lock(jobs->changing_, jobs->mutex_);
  jobs->jobs_.erase(id_);
}

Result<LvmJobs::Ticket> LvmJobs::begin(const Uuid& id, const Check& check) {
  // Held while the group is looked at: what ends before is seen there, what ends later is counted.
  std::lock_guard changing(changing_);
  if (contains(id)) {
    return fail(ErrorCode::overloaded, id.str() + " is being made or changed; ask again");
  }
  auto bytes = check([this](const GroupView& view) { return outstanding(view); });
  if (!bytes) return fail(bytes.error());
  std::lock_guard lock(mutex_);
  jobs_[id] = *bytes;
  return Ticket(*this, id);
}

bool LvmJobs::contains(const Uuid& id) const {
  std::lock_guard lock(mutex_);
  return jobs_.contains(id);
}

std::uint64_t LvmJobs::outstanding(const GroupView& view) const {
  std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& [id, bytes] : jobs_) {
    const auto* lv = view.find(lv_name(id));
    const std::uint64_t taken = lv ? lv->size_bytes : 0;
    if (bytes > taken) sum += bytes - taken;
  }
  return sum;
}

}  // namespace vbs::volume_delegate
