#include "cli/carry_out.h"
#include "cli/json_view.h"
#include "cli/resolve.h"
#include "cli/show.h"
#include "cli/verbs.h"
#include "cli/volume_verbs.h"
#include "cli/volume_view.h"

namespace vbs::cli {
namespace {

std::string where(const json::Value& attachment) {
  return string_of(attachment, "vm") + " on " + string_of(attachment, "node") + " (" +
         string_of(attachment, "device") + ")";
}

/// The one attachment that --vm and --node leave; all must be named apart.
Result<json::Value> choose_attachment(const Arguments& arguments, const json::Value& volume) {
  const auto vm = arguments.value("--vm");
  const auto node = arguments.value("--node");
  json::Value::Array fitting;
  std::string all;
  for (const auto& attachment : array_of(volume, "attachments")) {
    all += (all.empty() ? "" : ", ") + where(attachment);
    const bool fits = (!vm || string_of(attachment, "vm") == *vm) &&
                      (!node || string_of(attachment, "node") == *node);
    if (fits) fitting.push_back(attachment);
  }
  const std::string subject = "volume " + string_of(volume, "id");
  if (all.empty()) return fail(ErrorCode::conflict, subject + " is not attached to any VM");
  if (fitting.empty()) {
    return fail(ErrorCode::conflict, subject + " is not attached there, but to " + all);
  }
  if (fitting.size() > 1) {
    return fail(ErrorCode::invalid_request,
                subject + " is attached to " + all + ": say which by --vm and --node");
  }
  return fitting.front();
}

}  // namespace

Result<ExitCode> attach_volume(Context& context) {
  const auto& arguments = context.arguments;
  auto path = resolve_path(context.service, Noun::volume, arguments.required("VOLUME"));
  if (!path) return fail(path.error());
  json::Writer body;
  body.begin_object();
  body.member("vm", arguments.required("--vm"));
  if (const auto node = arguments.value("--node")) body.member("node", *node);
  if (const auto device = arguments.value("--device")) body.member("device", *device);
  if (arguments.has("--read-only")) body.member("read_only", true);
  body.end_object();

  Errand errand;
  errand.change = {http::Method::post, *path + "/attachments", {}, body.take()};
  errand.show = [&](const OperationView& operation, const json::Value&) -> Result<void> {
    auto attachment = context.service.get(*path + "/attachments/" + operation.attachment_id);
    if (!attachment) return fail(attachment.error());
    show_one(context, *attachment, attachment_details);
    return {};
  };
  return carry_out(context, errand);
}

Result<ExitCode> detach_volume(Context& context) {
  const auto& arguments = context.arguments;
  auto path = resolve_path(context.service, Noun::volume, arguments.required("VOLUME"));
  if (!path) return fail(path.error());
  auto volume = context.service.get(*path);
  if (!volume) return fail(volume.error());
  auto attachment = choose_attachment(arguments, *volume);
  if (!attachment) return fail(attachment.error());

  Errand errand;
  errand.change = {
      http::Method::del, *path + "/attachments/" + string_of(*attachment, "id"), {}, ""};
  if (arguments.has("--force")) errand.change.query.emplace_back("force", "true");
  errand.show = [&](const OperationView& operation, const json::Value& document) -> Result<void> {
    show_deleted(context,
                 "volume " + operation.volume_id + " is detached from " + where(*attachment),
                 document);
    return {};
  };
  return carry_out(context, errand);
}

}  // namespace vbs::cli
