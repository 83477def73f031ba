// repair-attachment: after a target daemon or a VM lost them, the export and the device of an
// attachment are made again, and show the size that the volume has. Nothing is undone: what is
// missing then is what was missing before, and the next sweep of the reconciler tries again.

#include "api/workflow/calls.h"
#include "api/workflow/registry.h"

namespace vbs::workflow {

Workflow repair_attachment(const WorkflowSettings& settings) {
  std::vector<Step> steps{export_step(),       export_size_step(),  log_in_step(),
                          session_size_step(), block_attach_step(), device_size_step()};
  for (Step& step : steps) step.undo = {};
  return {"repair-attachment", std::move(steps), settings.repair_deadline};
}

}  // namespace vbs::workflow
