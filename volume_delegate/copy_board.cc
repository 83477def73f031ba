#include "volume_delegate/copy_board.h"

#include <utility>

#include "common/log.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::chrono::hours kFailureKept{1};

}  // namespace

CopyBoard::View CopyBoard::view_of(const Entry& entry) {
  return View{entry.order, entry.control->copied_bytes, entry.control->cancelled, entry.failure};
}

std::optional<CopyBoard::View> CopyBoard::find(const Uuid& id) const {
  std::lock_guard guard(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return view_of(found->second);
}

std::vector<CopyBoard::View> CopyBoard::running() const {
  std::lock_guard guard(mutex_);
  std::vector<View> out;
  for (const auto& [id, entry] : entries_) {
    if (!entry.failure) out.push_back(view_of(entry));
  }
  return out;
}

std::optional<Uuid> CopyBoard::reader_of(const ObjectRef& source) const {
  std::lock_guard guard(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (!entry.failure && entry.order.source == source) return id;
  }
  return std::nullopt;
}

Result<void> CopyBoard::begin(const CopyOrder& order, std::unique_ptr<PreparedCopy> copy,
                              Urgency urgency) {
  auto control = std::make_shared<CopyControl>();
  if (copy->at_once()) return copy->run(*control);
  const Uuid id = order.object.id;
  {
    std::lock_guard guard(mutex_);
    entries_[id] = Entry{order, control, std::move(copy), std::nullopt, {}};
  }
  if (post_([this, id, control] { run(id, control); }, urgency)) return {};
  const auto dropped = take(id, *control);
  std::lock_guard guard(mutex_);
  entries_.erase(id);
  return fail(ErrorCode::overloaded, "too many copies are waiting on this server; try again later");
}

std::unique_ptr<PreparedCopy> CopyBoard::take(const Uuid& id, const CopyControl& control) {
  std::lock_guard guard(mutex_);
  const auto found = entries_.find(id);
  // Cancelled before its turn; there may be another one of this id by now.
  if (found == entries_.end() || found->second.control.get() != &control) return nullptr;
  return std::move(found->second.waiting);
}

void CopyBoard::run(const Uuid& id, const std::shared_ptr<CopyControl>& control) {
  const auto copy = take(id, *control);
  if (!copy) return;
  // What stood in line when the service was told to end is not begun: it would have to be wiped.
  const Result<void> done =
      control->cancelled ? fail(ErrorCode::overloaded, "cancelled") : copy->run(*control);
  if (!done && !control->cancelled) {
    log::error("a copy failed", {{"id", id.str()}, {"error", describe(done.error())}});
  }
  std::lock_guard guard(mutex_);
  const auto found = entries_.find(id);
  if (done || control->cancelled) {
    entries_.erase(found);
    return;
  }
  found->second.failure = done.error();
  found->second.ended = clock_.monotonic();
}

bool CopyBoard::cancel(const Uuid& id) {
  std::unique_ptr<PreparedCopy> dropped;  // gives its space back without the lock
  std::lock_guard guard(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.failure) return false;
  found->second.control->cancelled = true;
  dropped = std::move(found->second.waiting);
  if (!dropped) return true;
  entries_.erase(found);
  return false;
}

void CopyBoard::cancel_all() {
  std::lock_guard guard(mutex_);
  for (auto& [id, entry] : entries_) entry.control->cancelled = true;
}

void CopyBoard::forget_failure(const Uuid& id) {
  std::lock_guard guard(mutex_);
  const auto found = entries_.find(id);
  if (found != entries_.end() && found->second.failure) entries_.erase(found);
}

void CopyBoard::forget_old_failures() {
  const MonotonicTime limit = clock_.monotonic() - kFailureKept;
  std::lock_guard guard(mutex_);
  std::erase_if(entries_,
                [&](const auto& item) { return item.second.failure && item.second.ended < limit; });
}

}  // namespace vbs::volume_delegate
