#include "cli/volume_verbs.h"

#include "cli/carry_out.h"
#include "cli/resolve.h"
#include "cli/show.h"
#include "cli/values.h"
#include "cli/verbs.h"
#include "cli/volume_view.h"
#include "common/units.h"

namespace vbs::cli {
namespace {

struct Source {
  std::string type;
  std::string id;
};

Result<std::optional<Source>> find_source(Context& context) {
  const auto snapshot = context.arguments.value("--from-snapshot");
  const auto volume = context.arguments.value("--from-volume");
  const bool image = context.arguments.has("--image");
  if (int{snapshot.has_value()} + int{volume.has_value()} + int{image} > 1) {
    return fail(ErrorCode::invalid_request,
                "--from-snapshot, --from-volume and --image exclude each other");
  }
  if (!snapshot && !volume) return std::nullopt;
  const Noun noun = snapshot ? Noun::snapshot : Noun::volume;
  auto id = resolve(context.service, noun, snapshot ? *snapshot : *volume);
  if (!id) return fail(id.error());
  return Source{snapshot ? "snapshot" : "volume", *id};
}

Result<std::string> create_volume_body(Context& context) {
  const auto& arguments = context.arguments;
  auto source = find_source(context);
  if (!source) return fail(source.error());
  const auto size = arguments.value("--size");
  const auto image = arguments.value("--image");
  if (!size && !*source && !image) {
    return fail(ErrorCode::invalid_request,
                "--size is required, unless --from-snapshot, --from-volume or --image is given");
  }
  json::Writer body;
  body.begin_object();
  if (size) {
    const auto bytes = parse_size(*size);
    if (!bytes) return fail(bytes.error());
    body.member("size_bytes", *bytes);
  }
  if (const auto name = arguments.value("--name")) body.member("name", *name);
  if (*source) {
    body.key("source");
    body.begin_object();
    body.member("type", (*source)->type);
    body.member("id", (*source)->id);
    body.end_object();
  }
  if (image) body.member("image", *image);
  if (auto tags = write_tags(arguments, body); !tags) return fail(tags.error());
  if (const auto server = arguments.value("--volume-server")) body.member("volume_server", *server);
  body.end_object();
  return body.take();
}

/// Shows the operation's volume as it is at its end.
std::function<Result<void>(const OperationView&, const json::Value&)> show_volume(
    Context& context) {
  return [&context](const OperationView& operation, const json::Value&) -> Result<void> {
    auto volume = context.service.get("/v1/volumes/" + operation.volume_id);
    if (!volume) return fail(volume.error());
    show_one(context, *volume, volume_details);
    return {};
  };
}

Result<std::uint64_t> present_size(Context& context, const std::string& path) {
  auto volume = context.service.get(path);
  if (!volume) return fail(volume.error());
  const json::Value* size = volume->find("size_bytes");
  const auto* bytes = size == nullptr ? nullptr : size->as<std::int64_t>();
  if (bytes != nullptr && *bytes >= 0) return static_cast<std::uint64_t>(*bytes);
  return fail(ErrorCode::internal, "the service does not tell the volume's size");
}

}  // namespace

Result<void> write_tags(const Arguments& arguments, json::Writer& body) {
  std::map<std::string, std::string> tags;
  for (const auto& text : arguments.values("--tag")) {
    const auto equals = text.find('=');
    const auto [entry, added] = tags.emplace(text.substr(0, equals), text.substr(equals + 1));
    if (!added) return fail(ErrorCode::invalid_request, "--tag gives " + entry->first + " twice");
  }
  if (!tags.empty()) body.member("tags", tags);
  return {};
}

void show_deleted(Context& context, const std::string& what, const json::Value& operation) {
  if (context.output.as_json()) {
    context.output.json(operation);
  } else if (!context.output.quiet()) {
    context.output.print_line(what);
  }
}

Result<ExitCode> create_volume(Context& context) {
  auto body = create_volume_body(context);
  if (!body) return fail(body.error());
  Errand errand;
  errand.change = {http::Method::post, "/v1/volumes", {}, std::move(*body)};
  errand.show = show_volume(context);
  return carry_out(context, errand);
}

Result<ExitCode> modify_volume(Context& context) {
  auto path = resolve_path(context.service, Noun::volume, context.arguments.required("VOLUME"));
  if (!path) return fail(path.error());
  const std::string size = context.arguments.required("--size");
  auto present = size.starts_with('+') ? present_size(context, *path) : 0;
  if (!present) return fail(present.error());
  const auto bytes = parse_growth(size, *present);
  if (!bytes) return fail(bytes.error());
  json::Writer body;
  body.begin_object();
  body.member("size_bytes", *bytes);
  body.end_object();
  Errand errand;
  errand.change = {http::Method::patch, std::move(*path), {}, body.take()};
  errand.show = show_volume(context);
  return carry_out(context, errand);
}

Result<ExitCode> delete_volume(Context& context) {
  auto path = resolve_path(context.service, Noun::volume, context.arguments.required("VOLUME"));
  if (!path) return fail(path.error());
  Errand errand;
  errand.change = {http::Method::del, std::move(*path), {}, ""};
  errand.show = [&](const OperationView& operation, const json::Value& document) -> Result<void> {
    show_deleted(context, "volume " + operation.volume_id + " is deleted", document);
    return {};
  };
  return carry_out(context, errand);
}

Result<ExitCode> describe_volumes(Context& context) {
  Query query;
  add_filter(context.arguments, "--name", "name", query);
  add_filter(context.arguments, "--state", "state", query);
  add_filter(context.arguments, "--tag", "tag", query);
  add_filter(context.arguments, "--node", "node", query);
  add_filter(context.arguments, "--vm", "vm", query);
  add_project_filter(context.arguments, query);
  const bool projects = shows_projects(context.arguments);
  return show_list(context, "/v1/volumes", "volumes", query,
                   [projects](const auto& volumes, WallTime now) {
                     return volume_table(volumes, now, projects);
                   });
}

Result<ExitCode> describe_volume(Context& context) {
  auto path = resolve_path(context.service, Noun::volume, context.arguments.required("VOLUME"));
  if (!path) return fail(path.error());
  return fetch_and_show(context, *path, volume_details);
}

}  // namespace vbs::cli
