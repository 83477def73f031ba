#pragma once

#include <optional>
#include <ostream>
#include <string>

#include "cli/operation_view.h"
#include "common/clock.h"

namespace vbs::cli {

/// Shows how an operation goes on: on a terminal as one line that is written over, elsewhere as
/// lines of their own, and those only for a step that takes long or a service that does not answer.
class Progress {
 public:
  enum class Style { none, lines, live };

  Progress(std::ostream& err, Style style, const Clock& clock);
  /// `columns` of the terminal, for the live style.
  void set_columns(std::size_t columns) { columns_ = columns; }

  void show(const OperationView& operation);
  void show_unreachable(const OperationView& operation, const Error& error);
  /// Takes the live line away.
  void clear();

 private:
  void write(const std::string& text, const std::string& subject);

  std::ostream& err_;
  Style style_;
  const Clock& clock_;
  MonotonicTime started_;
  std::size_t columns_ = 80;
  std::string subject_;  ///< what the last line or silence was about
  MonotonicTime subject_since_;
  std::optional<MonotonicTime> written_at_;
  bool line_shown_ = false;
};

}  // namespace vbs::cli
