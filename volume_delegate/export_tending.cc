// The part of ExportService that keeps the target daemon in step with the records.

#include <utility>

#include "common/log.h"
#include "volume_delegate/export_service.h"
#include "volume_delegate/target/export_identity.h"

namespace vbs::volume_delegate {
namespace {

/// How often all targets are compared with the records; that somebody deletes one by hand is rare,
/// and the report costs the daemon a moment.
constexpr std::chrono::seconds kCheckEvery{3};

}  // namespace

std::string ExportService::problem() const {
  std::lock_guard guard(mutex_);
  return problem_ ? problem_->message : std::string();
}

void ExportService::note_problem(std::optional<Error> problem) {
  std::lock_guard guard(mutex_);
  const bool was = problem_.has_value();
  if (problem && (!was || problem->message != problem_->message)) {
    log::error("the target daemon is not well", {{"problem", problem->message}});
  }
  if (!problem && was) log::info("the target daemon is well again");
  problem_ = std::move(problem);
}

void ExportService::tend() {
  const auto daemon = parts_.target.ensure_running();
  note_problem(daemon ? std::nullopt : std::optional(daemon.error()));
  if (!daemon || *daemon == DaemonState::started) must_check_ = true;
  if (!daemon) return;
  const MonotonicTime now = parts_.clock.monotonic();
  if (!must_check_ && now - last_check_ < kCheckEvery) return;
  const auto views = parts_.target.list();
  if (!views) return;
  must_check_ = false;
  last_check_ = now;
  for (const auto& record : parts_.records.present()) tend_one(record, *views);
}

void ExportService::tend_one(const ExportRecord& seen, const std::vector<TargetView>& views) {
  if (seen.phase != ExportRecord::Phase::removing) {
    const TargetSpec spec = target_spec(seen);
    for (const auto& view : views) {
      if (serves(view, spec)) return;
    }
  }
  // Only a suspicion so far: where an order is at work on it right now, that will do.
  const auto guard = parts_.locks.take({seen.attachment, seen.spec.volume}, Milliseconds(0));
  if (!guard) return;
  auto record = parts_.records.find(seen.attachment);
  if (!record || record->phase == ExportRecord::Phase::gone) return;
  const bool live = record->phase == ExportRecord::Phase::live;
  const auto done = live ? serve(*record) : finish(*record);
  note_trouble(seen.attachment, done);
  if (done && live) log::info("saw to an export", {{"attachment", seen.attachment.str()}});
}

void ExportService::note_trouble(const Uuid& attachment, const Result<void>& result) {
  std::lock_guard guard(mutex_);
  if (result) {
    troubles_.erase(attachment);
    return;
  }
  std::string& last = troubles_[attachment];
  const std::string text = describe(result.error());
  if (text != last) {
    log::error("cannot serve an export as recorded",
               {{"attachment", attachment.str()}, {"error", text}});
  }
  last = text;
}

}  // namespace vbs::volume_delegate
