#include "cli/progress.h"

#include "cli/text.h"
#include "common/units.h"

namespace vbs::cli {
namespace {

/// A step that takes no longer is not worth a line in a log.
constexpr Milliseconds kSlowStep{5'000};
constexpr Milliseconds kRepeat{30'000};

std::int64_t millis_between(MonotonicTime from, MonotonicTime to) {
  return std::chrono::duration_cast<Milliseconds>(to - from).count();
}

}  // namespace

Progress::Progress(std::ostream& err, Style style, const Clock& clock)
    : err_(err),
      style_(style),
      clock_(clock),
      started_(clock.monotonic()),
      subject_since_(started_) {}

void Progress::show(const OperationView& operation) {
  std::string text = operation.kind + ": " + describe_step(operation);
  std::string subject = operation.step + " " + operation.state;
  if (operation.waiting) {
    subject += operation.waiting->what;
    text += ", waits for " + operation.waiting->what;
    if (operation.waiting->attempt > 1) {
      text += " (attempt " + std::to_string(operation.waiting->attempt) + ")";
    }
  }
  write(text, subject);
}

void Progress::show_unreachable(const OperationView& operation, const Error& error) {
  write(operation.kind + ": " + error.message + "; trying again", error.message);
}

void Progress::write(const std::string& text, const std::string& subject) {
  if (style_ == Style::none) return;
  const MonotonicTime now = clock_.monotonic();
  const std::string line =
      escape_for_terminal(text) + ", " + format_duration(millis_between(started_, now));
  if (style_ == Style::live) {
    // Return, the new line, and erase what is left of the old one.
    err_ << '\r' << truncate_to_width(line, columns_ - 1) << "\x1b[K" << std::flush;
    line_shown_ = true;
    return;
  }
  if (subject != subject_) {
    subject_ = subject;
    subject_since_ = now;
    written_at_.reset();
  }
  const bool slow = now - subject_since_ >= kSlowStep;
  if (slow && (!written_at_ || now - *written_at_ >= kRepeat)) {
    err_ << line << std::endl;
    written_at_ = now;
  }
}

void Progress::clear() {
  if (line_shown_) err_ << "\r\x1b[K" << std::flush;
  line_shown_ = false;
}

}  // namespace vbs::cli
