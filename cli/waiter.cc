#include "cli/waiter.h"

#include <algorithm>

namespace vbs::cli {
namespace {

/// Asked of the service, so that the end is known at once and progress is still shown.
constexpr std::chrono::seconds kWaitThere{1};
/// An answer that took so long has waited.
constexpr Milliseconds kWaitedThere{500};
constexpr Milliseconds kShortestPoll{50};
constexpr Milliseconds kLongestPoll{1'000};
/// Longer than a service takes to be restarted.
constexpr Milliseconds kUnreachablePatience{60'000};

class Waiter {
 public:
  Waiter(Service& service, Pause& pause, const Clock& clock, Progress& progress,
         OperationView operation, std::optional<Milliseconds> limit)
      : service_(service), pause_(pause), clock_(clock), progress_(progress) {
    waited_.operation = std::move(operation);
    if (limit) deadline_ = clock.monotonic() + *limit;
  }

  Result<Waited> run() {
    Milliseconds interval = kShortestPoll;
    while (!waited_.operation.ended) {
      const MonotonicTime asked = clock_.monotonic();
      if (deadline_ && asked >= *deadline_) return finish(WaitEnd::timed_out);
      auto read = look();
      if (pause_.interrupted()) return finish(WaitEnd::interrupted);
      if (!read) return fail(read.error());
      const bool waited_there = clock_.monotonic() - asked >= kWaitedThere;
      if (waited_.operation.ended || waited_there) continue;
      if (!pause_.pause(until_deadline(interval))) return finish(WaitEnd::interrupted);
      interval = std::min(interval * 3 / 2, kLongestPoll);
    }
    return finish(WaitEnd::ended);
  }

 private:
  Milliseconds until_deadline(Milliseconds limit) const {
    if (!deadline_) return limit;
    const auto left = std::chrono::ceil<Milliseconds>(*deadline_ - clock_.monotonic());
    return std::clamp(left, Milliseconds(0), limit);
  }

  Result<void> look() {
    const bool may_wait = until_deadline(kWaitThere) == kWaitThere;
    auto document = service_.get_operation(waited_.operation.id,
                                           may_wait ? kWaitThere : std::chrono::seconds(0));
    if (!document) return bear(document.error());
    auto operation = read_operation(*document);
    if (!operation) return fail(operation.error());
    unreachable_since_.reset();
    waited_.operation = std::move(*operation);
    waited_.document = std::move(*document);
    if (!waited_.operation.ended) progress_.show(waited_.operation);
    return {};
  }

  /// Whether the error is one to wait through.
  Result<void> bear(Error error) {
    const MonotonicTime now = clock_.monotonic();
    if (!unreachable_since_) unreachable_since_ = now;
    if (is_transient(error.code) && now - *unreachable_since_ < kUnreachablePatience) {
      progress_.show_unreachable(waited_.operation, error);
      return {};
    }
    if (error.operation.empty()) error.operation = waited_.operation.id;
    return fail(std::move(error));
  }

  Waited finish(WaitEnd end) {
    waited_.end = end;
    return std::move(waited_);
  }

  Service& service_;
  Pause& pause_;
  const Clock& clock_;
  Progress& progress_;
  Waited waited_;
  std::optional<MonotonicTime> deadline_;
  std::optional<MonotonicTime> unreachable_since_;
};

}  // namespace

Result<Waited> wait_for_operation(Service& service, Pause& pause, const Clock& clock,
                                  Progress& progress, OperationView operation,
                                  std::optional<Milliseconds> limit) {
  auto waited = Waiter(service, pause, clock, progress, std::move(operation), limit).run();
  progress.clear();
  return waited;
}

}  // namespace vbs::cli
