#include "cli/run.h"

#include "cli/context.h"
#include "cli/parser.h"
#include "cli/rest_client.h"
#include "cli/text.h"

namespace vbs::cli {
namespace {

ExitCode run_command(const Surroundings& surroundings, const Invocation& invocation,
                     Settings settings) {
  Output output(surroundings.out, surroundings.err, settings.output, settings.quiet);
  for (const auto& warning : settings.warnings) {
    output.remark("vbs: warning: " + escape_for_terminal(warning));
  }
  SignalPause pause;
  RestClient client(settings.url, std::move(settings.token), std::move(settings.tls), pause);
  const SystemClock clock;
  SystemRandom random;
  Service service(settings.url, client, pause, clock, random);
  Context context{invocation.arguments,        service, pause, clock, output,
                  surroundings.err_is_terminal};

  const auto result = invocation.command->run(context);
  ExitCode exit_code = result ? *result : exit_code_of(result.error().code);
  if (!result) output.error(result.error());
  if (!result && pause.interrupted()) exit_code = ExitCode::interrupted;
  if (!output.flush() && exit_code == ExitCode::ok) {
    output.remark("vbs: the output cannot be written");
    exit_code = ExitCode::failed;
  }
  return exit_code;
}

}  // namespace

ExitCode run(const Surroundings& surroundings) {
  const auto invocation = parse_command_line(surroundings.arguments);
  if (!invocation) {
    const ParseEnd& end = invocation.error();
    (end.exit_code == ExitCode::ok ? surroundings.out : surroundings.err) << end.text << std::flush;
    return end.exit_code;
  }
  Settings settings;
  if (invocation->command->needs_service) {
    auto loaded = load_settings(invocation->arguments, surroundings.environment);
    if (!loaded) {
      Output output(surroundings.out, surroundings.err, OutputFormat::table, false);
      output.error(loaded.error());
      return ExitCode::usage;
    }
    settings = std::move(*loaded);
  }
  return run_command(surroundings, *invocation, std::move(settings));
}

}  // namespace vbs::cli
