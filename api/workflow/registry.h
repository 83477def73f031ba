#pragma once

#include <string_view>
#include <vector>

#include "api/workflow/step.h"

namespace vbs::workflow {

/// Times that workflows depend on, from the configuration.
struct WorkflowSettings {
  Milliseconds attach_deadline{60'000};
  Milliseconds detach_deadline{60'000};
  Milliseconds create_deadline{60'000};        ///< empty volume
  Milliseconds copy_deadline{24 * 3'600'000};  ///< from a snapshot or a volume
  Milliseconds modify_deadline{60'000};
  Milliseconds delete_deadline{600'000};
  Milliseconds repair_deadline{60'000};
  Milliseconds longest_pause{10'000};  ///< of a guest for a snapshot that the store copies
  Milliseconds lease_margin{15'000};   ///< of a frozen guest, beyond the expected copy time
};

Workflow create_volume(const WorkflowSettings& settings);
Workflow modify_volume(const WorkflowSettings& settings);
Workflow delete_volume(const WorkflowSettings& settings);
Workflow create_snapshot(const WorkflowSettings& settings);
Workflow delete_snapshot(const WorkflowSettings& settings);
Workflow attach_volume(const WorkflowSettings& settings);
Workflow detach_volume(const WorkflowSettings& settings);
/// Presents an attachment's export and device again after a node lost them.
Workflow repair_attachment(const WorkflowSettings& settings);
/// Removes one object of VBS that no row wants any more.
Workflow remove_leftover(const WorkflowSettings& settings);

/// Every workflow there is; tests generate their crash points from it.
class Registry {
 public:
  explicit Registry(const WorkflowSettings& settings = {});
  /// nullptr if there is none of that kind (written by a newer version).
  const Workflow* find(std::string_view kind) const;
  const std::vector<Workflow>& all() const { return workflows_; }

 private:
  std::vector<Workflow> workflows_;
};

}  // namespace vbs::workflow
