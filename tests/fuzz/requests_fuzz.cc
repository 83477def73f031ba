#include "api/handlers/attachments.h"
#include "api/handlers/new_volume.h"
#include "api/handlers/snapshots.h"
#include "api/handlers/volume_growth.h"
#include "api/list_query.h"
#include "common/http/target.h"
#include "common/names.h"
#include "common/units.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace vbs;
using fuzz::require;

void check_bodies(const http::Request& request) {
  if (const auto wanted = api::read_new_volume(request)) {
    require(!wanted->name || check_resource_name(*wanted->name, "name"), "a volume has a name");
    require(!wanted->size_bytes || check_volume_size(*wanted->size_bytes, "size"),
            "a volume has a size");
    require(check_tags(wanted->tags, "tags").has_value(), "tags are such");
    require(wanted->size_bytes || wanted->image || !wanted->source_kind.empty(),
            "a size comes from somewhere");
  }
  if (const auto wanted = api::read_wanted_size(request)) {
    require(check_volume_size(*wanted, "size").has_value(), "a volume has a size");
  }
  if (const auto wanted = api::read_new_attachment(request)) {
    require(check_node_name(wanted->vm, "vm").has_value(), "a VM has a name");
    require(wanted->device.empty() || check_device_name(wanted->device, "device") == wanted->device,
            "a device name is canonical");
  }
  if (const auto wanted = api::read_new_snapshot(request)) {
    require(!wanted->name || check_resource_name(*wanted->name, "name"), "a snapshot has a name");
    require(check_tags(wanted->tags, "tags").has_value(), "tags are such");
  }
}

void check_list(const http::Request& request) {
  const api::Principal member{"somebody", api::Role::member, "theirs"};
  api::ListQuery query(request);
  query.read_page();
  query.read_projects(member);
  query.text("name");
  query.ids("id");
  query.pair("tag");
  query.prefix();
  if (!query.finish()) return;
  require(query.limit() >= 1 && query.limit() <= api::ListQuery::kMaxLimit, "a page has its limit");
  require(query.project() == member.project, "a member sees its project");
}

}  // namespace

/// Requests to the front: the target in the first line, the body after it.
void vbs::fuzz::one_input(std::string_view input) {
  const auto end = input.find('\n');
  if (end == std::string_view::npos) return;
  const auto target = http::parse_target(input.substr(0, end));
  if (!target) return;
  http::Request request;
  request.path = target->path;
  request.query = target->query;
  request.params["id"] = target->path.substr(1);
  request.body = input.substr(end + 1);
  check_bodies(request);
  check_list(request);
}
