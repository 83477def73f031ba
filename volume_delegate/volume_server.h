#pragma once

#include <functional>
#include <string>

#include "common/clock.h"
#include "common/http/blocking.h"
#include "common/http/message.h"
#include "common/http/router.h"
#include "common/wire/inventory.h"
#include "common/wire/node.h"
#include "volume_delegate/copy_board.h"
#include "volume_delegate/export_service.h"
#include "volume_delegate/id_locks.h"
#include "volume_delegate/snapshot_service.h"
#include "volume_delegate/volume_service.h"

namespace vbs::volume_delegate {

/// What stands outside of a volume server; all of it outlives the server.
struct VolumeServerParts {
  BackingStore& store;
  TargetDriver& target;
  ExportRecords& exports;
  Tombstones& tombstones;
  Clock& clock;
  CopyBoard::Post post_copy;  ///< where copies run
  std::string name;           ///< of this node
  std::string iqn_prefix;
};

/// The volume server delegate without threads, sockets and configuration. Thread-safe.
class VolumeServer {
 public:
  explicit VolumeServer(VolumeServerParts parts);

  /// Every route of the delegate; tokens are the caller's business.
  void add_routes(http::Router& router, const http::Offload& offload);

  wire::NodeStatus node();
  Result<wire::VolumeServerInventory> inventory();

  /// To be called about twice a second, by one thread: tends the exports, and now and then
  /// forgets what is old.
  void tend();
  /// Makes background copies end soon; their objects will not exist.
  void cancel_copies() { copies_.cancel_all(); }

 private:
  void add_volume_routes(http::Router& router, const http::Offload& offload);
  void add_snapshot_routes(http::Router& router, const http::Offload& offload);
  void add_export_routes(http::Router& router, const http::Offload& offload);
  void forget_old_things();

  const VolumeServerParts parts_;
  IdLocks locks_;
  CopyBoard copies_;
  VolumeService volumes_;
  SnapshotService snapshots_;
  ExportService exports_;
  MonotonicTime last_pruned_;
};

}  // namespace vbs::volume_delegate
