#include "cli/carry_out.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/text.h"
#include "cli/values.h"
#include "cli/waiter.h"
#include "common/units.h"

namespace vbs::cli {
namespace {

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

Progress make_progress(Context& context) {
  auto style = context.live_progress ? Progress::Style::live : Progress::Style::lines;
  if (context.output.quiet()) style = Progress::Style::none;
  Progress progress(context.output.err(), style, context.clock);
  if (style == Progress::Style::live) progress.set_columns(terminal_columns());
  return progress;
}

void say_how_to_follow(Output& output, const OperationView& operation) {
  const std::string id = escape_for_terminal(operation.id);
  output.remark("  follow it: vbs describe-operation " + id);
  output.remark("  cancel it: vbs cancel-operation " + id);
}

ExitCode report_unfinished(Output& output, const Waited& waited,
                           std::optional<Milliseconds> limit) {
  const std::string subject = escape_for_terminal(waited.operation.kind);
  if (waited.end == WaitEnd::interrupted) {
    output.remark("vbs: interrupted; " + subject + " goes on (" +
                  escape_for_terminal(describe_step(waited.operation)) + ")");
    say_how_to_follow(output, waited.operation);
    return ExitCode::interrupted;
  }
  output.remark("vbs: " + subject + " has not ended after " +
                format_duration(limit.value_or(Milliseconds(0)).count()) + " and goes on (" +
                escape_for_terminal(describe_step(waited.operation)) + ")");
  say_how_to_follow(output, waited.operation);
  return ExitCode::wait_timeout;
}

ExitCode report_bad_end(Output& output, const OperationView& operation) {
  if (operation.succeeded()) {
    output.remark("vbs: too late: " + escape_for_terminal(operation.kind) + " has succeeded");
    return ExitCode::conflict;
  }
  Error error = operation.error.value_or(Error{});
  error.operation = operation.id;
  error.message =
      operation.kind + " " + operation.state + (error.message.empty() ? "" : ": " + error.message);
  output.error(error);
  return exit_code_of_failed_operation(error.code);
}

/// A change whose answer never came may still have been made.
Error with_doubt(Error error, const Pause& pause) {
  if (pause.interrupted()) {
    error.message =
        "interrupted before the service answered; whether it took the request is unknown";
  } else if (error.code == ErrorCode::timeout && error.operation.empty()) {
    error.message += "; whether it took the request is unknown";
  } else {
    return error;
  }
  error.message += ": see vbs describe-operations --live";
  return error;
}

Result<std::optional<Milliseconds>> wait_limit(const Arguments& arguments) {
  const auto text = arguments.value("--timeout");
  if (!text) return std::nullopt;
  auto limit = parse_duration(*text);
  if (!limit) return fail(limit.error());
  return *limit;
}

}  // namespace

Result<ExitCode> carry_out(Context& context, const Errand& errand) {
  const auto limit = wait_limit(context.arguments);
  if (!limit) return fail(limit.error());
  auto answer = context.service.change(errand.change);
  if (!answer) return fail(with_doubt(answer.error(), context.pause));
  auto operation = read_operation(*answer);
  if (!operation) return fail(operation.error());
  if (context.arguments.has("--no-wait")) {
    const json::Value* document = answer->find("operation");
    if (context.output.as_json()) {
      context.output.json(document == nullptr ? *answer : *document);
    } else {
      context.output.print_line(operation->id);
    }
    return ExitCode::ok;
  }

  Progress progress = make_progress(context);
  auto waited = wait_for_operation(context.service, context.pause, context.clock, progress,
                                   std::move(*operation), *limit);
  if (!waited) return fail(waited.error());
  if (waited->end != WaitEnd::ended) return report_unfinished(context.output, *waited, *limit);
  for (const auto& note : waited->operation.notes) {
    context.output.remark("note: " + escape_for_terminal(note));
  }
  if (waited->operation.state != errand.good_state) {
    return report_bad_end(context.output, waited->operation);
  }
  const json::Value* in_answer = answer->find("operation");
  const bool ended_at_once = waited->document.is_null() && in_answer != nullptr;
  auto shown = errand.show(waited->operation, ended_at_once ? *in_answer : waited->document);
  if (!shown) return fail(shown.error());
  return ExitCode::ok;
}

}  // namespace vbs::cli
