#pragma once

#include "common/http/blocking.h"
#include "common/http/router.h"
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

/// The REST surface of a VMM node. Requests that may wait for a VM go to `slow`, the others to
/// `quick`, so that VMs which hang cannot make the whole node look dead.
void add_routes(http::Router& router, const http::Offload& quick, const http::Offload& slow,
                Services services);

}  // namespace vbs::vmm_delegate
