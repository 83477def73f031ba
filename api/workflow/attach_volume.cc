// attach-volume: a volume is shown to one VM as one device, through one export and one session.
//
// clang-format off
//   reserve       database       the row, the device name, the one-writer rule (with the intent)
//   export        volume server  one target, one LUN, this initiator, this secret
//   log-in        VMM node       discovered, logged in, and the device has this volume's serial
//   block-attach  VMM node       the VM shows the device
//   record        database       attached
// clang-format on

#include "api/workflow/calls.h"
#include "api/workflow/registry.h"
#include "db/transitions.h"

namespace vbs::workflow {

Workflow attach_volume(const WorkflowSettings& settings) {
  Step reserve{"reserve", Place::database, {}, {}};
  reserve.undo.record = [](db::Transaction& tx, const Facts& f, const http::Response&,
                           WallTime now) {
    const std::string why = f.operation.error ? describe(*f.operation.error) : "undone";
    return db::attachment_closed(tx, f.attachment->id, why, now);
  };

  Step record{"record", Place::database, {}, {}};
  record.make.record = [](db::Transaction& tx, const Facts& f, const http::Response&,
                          WallTime now) {
    return db::attachment_attached(tx, f.attachment->id, now);
  };

  return {"attach-volume",
          {reserve, export_step(), log_in_step(), block_attach_step(), record},
          settings.attach_deadline};
}

}  // namespace vbs::workflow
