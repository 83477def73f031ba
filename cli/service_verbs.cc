#include "cli/completion.h"
#include "cli/json_view.h"
#include "cli/service_view.h"
#include "cli/show.h"
#include "cli/verbs.h"

namespace vbs::cli {

Result<ExitCode> describe_nodes(Context& context) {
  return show_whole_list(context, "/v1/nodes", "nodes", node_table);
}

Result<ExitCode> describe_images(Context& context) {
  return show_whole_list(context, "/v1/images", "images",
                         [](const auto& images, WallTime) { return image_table(images); });
}

Result<ExitCode> describe_vms(Context& context) {
  return show_whole_list(context, "/v1/vms", "vms",
                         [](const auto& vms, WallTime) { return vm_table(vms); });
}

Result<ExitCode> show_audit(Context& context) {
  return fetch_and_show(context, "/v1/audit", audit_report);
}

Result<ExitCode> describe_audit_records(Context& context) {
  Query query;
  add_filter(context.arguments, "--after", "marker", query);
  return show_list(context, "/v1/audit-records", "audit_records", query,
                   [](const auto& records, WallTime) { return audit_record_table(records); });
}

Result<ExitCode> show_usage(Context& context) {
  return fetch_and_show(context, "/v1/usage",
                        [](const auto& usage, WallTime) { return usage_report(usage); });
}

Result<ExitCode> show_version(Context& context) {
  Output& output = context.output;
  if (output.quiet() || output.as_json()) {
    auto version = context.service.get("/v1/version");
    if (!version) return fail(version.error());
    if (output.as_json()) output.json(*version);
    if (!output.as_json()) output.print_line(string_of(*version, "version"));
    return ExitCode::ok;
  }
  // First what is known without the service: a version is asked for when something does not work.
  output.print_line("vbs " VBS_VERSION);
  auto version = context.service.get("/v1/version");
  if (!version) return fail(version.error());
  output.print_line("service " + text_of(*version, "version") + " (API " +
                    text_of(*version, "api") + ") at " + context.service.url());
  return ExitCode::ok;
}

Result<ExitCode> print_completion(Context& context) {
  const bool zsh = context.arguments.required("SHELL") == "zsh";
  context.output.print(zsh ? zsh_completion() : bash_completion());
  return ExitCode::ok;
}

}  // namespace vbs::cli
