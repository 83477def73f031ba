#include "cli/carry_out.h"
#include "cli/resolve.h"
#include "cli/service_view.h"
#include "cli/show.h"
#include "cli/verbs.h"

namespace vbs::cli {
namespace {

Result<std::string> operation_path(Context& context) {
  return resolve_path(context.service, Noun::operation, context.arguments.required("OPERATION"));
}

/// A volume or a snapshot, as a person names it; a whole id is taken as it is.
Result<std::string> resolve_resource(Service& service, const std::string& text) {
  auto volume = resolve(service, Noun::volume, text);
  if (volume || volume.error().code != ErrorCode::not_found) return volume;
  auto snapshot = resolve(service, Noun::snapshot, text);
  if (snapshot || snapshot.error().code != ErrorCode::not_found) return snapshot;
  return fail(ErrorCode::not_found, "there is no volume or snapshot '" + text + "'");
}

}  // namespace

Result<ExitCode> describe_operations(Context& context) {
  Query query;
  if (context.arguments.has("--live")) query.emplace_back("live", "true");
  add_filter(context.arguments, "--kind", "kind", query);
  add_filter(context.arguments, "--state", "state", query);
  if (const auto text = context.arguments.value("--resource")) {
    auto resource = resolve_resource(context.service, *text);
    if (!resource) return fail(resource.error());
    query.emplace_back("resource", *resource);
  }
  add_project_filter(context.arguments, query);
  const bool projects = shows_projects(context.arguments);
  return show_list(context, "/v1/operations", "operations", query,
                   [projects](const auto& operations, WallTime now) {
                     return operation_table(operations, now, projects);
                   });
}

Result<ExitCode> describe_operation(Context& context) {
  auto path = operation_path(context);
  if (!path) return fail(path.error());
  return fetch_and_show(context, *path, operation_details);
}

Result<ExitCode> cancel_operation(Context& context) {
  auto path = operation_path(context);
  if (!path) return fail(path.error());
  Errand errand;
  errand.change = {http::Method::post, *path + "/cancel", {}, ""};
  errand.good_state = "cancelled";
  errand.show = [&](const OperationView&, const json::Value& document) -> Result<void> {
    show_one(context, document, operation_details);
    return {};
  };
  return carry_out(context, errand);
}

}  // namespace vbs::cli
