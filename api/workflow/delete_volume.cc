// delete-volume
//
//   remove  volume server  no byte of it is left   <- point of no return
//   record  database       deleted; name, quota and room are free

#include "api/workflow/calls.h"
#include "api/workflow/registry.h"
#include "db/transitions.h"

namespace vbs::workflow {

Workflow delete_volume(const WorkflowSettings& settings) {
  Step remove{"remove", Place::volume_server, {}, {}, true};
  remove.make.call = [](const Facts& f) {
    return std::optional(api::DelegateCall{
        f.volume->node, http::Method::del, "/v1/volumes/" + f.volume->id.str(), {}, ""});
  };

  Step record{"record", Place::database, {}, {}};
  record.make.record = [](db::Transaction& tx, const Facts& f, const http::Response&,
                          WallTime now) { return db::volume_deleted(tx, f.volume->id, now); };
  Workflow workflow{"delete-volume", {remove, record}, settings.delete_deadline};
  workflow.gives_back = true;
  return workflow;
}

}  // namespace vbs::workflow
