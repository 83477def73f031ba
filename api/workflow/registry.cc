#include "api/workflow/registry.h"

namespace vbs::workflow {

Registry::Registry(const WorkflowSettings& settings)
    : workflows_{
          create_volume(settings),   modify_volume(settings),     delete_volume(settings),
          create_snapshot(settings), delete_snapshot(settings),   attach_volume(settings),
          detach_volume(settings),   repair_attachment(settings), remove_leftover(settings)} {}

const Workflow* Registry::find(std::string_view kind) const {
  for (const Workflow& workflow : workflows_) {
    if (workflow.kind == kind) return &workflow;
  }
  return nullptr;
}

}  // namespace vbs::workflow
