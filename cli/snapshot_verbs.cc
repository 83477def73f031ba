#include "cli/carry_out.h"
#include "cli/resolve.h"
#include "cli/show.h"
#include "cli/verbs.h"
#include "cli/volume_verbs.h"
#include "cli/volume_view.h"

namespace vbs::cli {
namespace {

Result<std::string> snapshot_path(Context& context) {
  return resolve_path(context.service, Noun::snapshot, context.arguments.required("SNAPSHOT"));
}

}  // namespace

Result<ExitCode> create_snapshot(Context& context) {
  auto volume = resolve(context.service, Noun::volume, context.arguments.required("VOLUME"));
  if (!volume) return fail(volume.error());
  json::Writer body;
  body.begin_object();
  body.member("volume_id", *volume);
  if (const auto name = context.arguments.value("--name")) body.member("name", *name);
  if (auto tags = write_tags(context.arguments, body); !tags) return fail(tags.error());
  body.end_object();

  Errand errand;
  errand.change = {http::Method::post, "/v1/snapshots", {}, body.take()};
  errand.show = [&](const OperationView& operation, const json::Value&) -> Result<void> {
    auto snapshot = context.service.get("/v1/snapshots/" + operation.snapshot_id);
    if (!snapshot) return fail(snapshot.error());
    show_one(context, *snapshot, snapshot_details);
    return {};
  };
  return carry_out(context, errand);
}

Result<ExitCode> delete_snapshot(Context& context) {
  auto path = snapshot_path(context);
  if (!path) return fail(path.error());
  Errand errand;
  errand.change = {http::Method::del, std::move(*path), {}, ""};
  errand.show = [&](const OperationView& operation, const json::Value& document) -> Result<void> {
    show_deleted(context, "snapshot " + operation.snapshot_id + " is deleted", document);
    return {};
  };
  return carry_out(context, errand);
}

Result<ExitCode> describe_snapshots(Context& context) {
  Query query;
  if (const auto text = context.arguments.value("--volume")) {
    auto volume = resolve(context.service, Noun::volume, *text);
    if (!volume) return fail(volume.error());
    query.emplace_back("volume", *volume);
  }
  add_filter(context.arguments, "--name", "name", query);
  add_filter(context.arguments, "--state", "state", query);
  add_filter(context.arguments, "--tag", "tag", query);
  add_filter(context.arguments, "--node", "node", query);
  add_project_filter(context.arguments, query);
  const bool projects = shows_projects(context.arguments);
  return show_list(context, "/v1/snapshots", "snapshots", query,
                   [projects](const auto& snapshots, WallTime now) {
                     return snapshot_table(snapshots, now, projects);
                   });
}

Result<ExitCode> describe_snapshot(Context& context) {
  auto path = snapshot_path(context);
  if (!path) return fail(path.error());
  return fetch_and_show(context, *path, snapshot_details);
}

}  // namespace vbs::cli
