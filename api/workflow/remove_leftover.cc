// remove-leftover: one object of VBS on a node that no row wants any more (a call that arrived
// after its operation was undone, a node that was away while its row was given up). What has no row
// at all is reported as foreign and left alone.
//
//   remove  node  gone   <- point of no return
//
// The object was chosen, and its resource locked, in the transaction that wrote the intent.

#include "api/workflow/calls.h"
#include "api/workflow/registry.h"

namespace vbs::workflow {

namespace {

std::string option_text(const Facts& facts, std::string_view name) {
  const auto* member = facts.options.find(name);
  const auto* text = member ? member->as<std::string>() : nullptr;
  return text ? *text : "";
}

/// options: {"path": "/v1/devices/<id>", "vm": "web1"}; `vm` only for devices.
std::optional<api::DelegateCall> remove_object(const Facts& facts) {
  const std::string path = option_text(facts, "path");
  api::DelegateCall call{facts.operation.node, http::Method::del, path, {}, ""};
  const std::pair<std::string, std::string> generation{"generation",
                                                       std::to_string(facts.generation())};
  if (path.starts_with("/v1/exports/")) call.query = {generation, {"revoke", "true"}};
  if (path.starts_with("/v1/sessions/")) call.query = {generation};
  if (path.starts_with("/v1/devices/")) {
    call.query = {generation, {"vm", option_text(facts, "vm")}, {"force", "true"}};
    call.timeout = Milliseconds(20'000);
  }
  return call;
}

}  // namespace

Workflow remove_leftover(const WorkflowSettings& settings) {
  Step remove{"remove", Place::volume_server, {}, {}, true};
  remove.make.call = remove_object;
  Workflow workflow{"remove-leftover", {remove}, settings.delete_deadline};
  workflow.gives_back = true;
  return workflow;
}

}  // namespace vbs::workflow
