#pragma once

#include "common/http/router.h"
#include "common/thread_pool.h"
#include "vmm_delegate/device_service.h"
#include "vmm_delegate/freeze/freeze_service.h"
#include "vmm_delegate/node_view.h"
#include "vmm_delegate/session_service.h"

namespace vbs::vmm_delegate {

/// Everything that answers requests; all of it outlives the server.
struct Services {
  NodeView& node;
  DeviceService& devices;
  SessionService& sessions;
  FreezeService& freezes;
};

/// The REST surface of a VMM node. Requests that may wait for a VM run on `slow`, the others on
/// `quick`, so that VMs which hang cannot make the whole node look dead.
void add_routes(http::Router& router, ThreadPool& quick, ThreadPool& slow, Services services);

}  // namespace vbs::vmm_delegate
