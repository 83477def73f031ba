#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/wire/inventory.h"
#include "db/attachment_table.h"
#include "db/database.h"
#include "db/snapshot_table.h"
#include "db/volume_table.h"

namespace vbs::api {

/// What may be done about a drift.
enum class Remedy {
  none,               ///< a person must look
  repair_attachment,  ///< present it again
  remove,             ///< of VBS, and no row wants it any more
  record_loss,        ///< of a snapshot: nothing can bring it back
};

/// One difference between what the rows say and what a node shows.
struct Drift {
  std::string kind;  ///< "missing-volume", "leftover-export", "foreign", ...
  std::string node;
  std::string object;  ///< id or name of what differs
  std::string detail;  ///< for people
  Remedy remedy = Remedy::none;
  Uuid volume;
  Uuid snapshot;
  Uuid attachment;
  /// An empty target that a VM may still need: it goes after the device and the session on this VMM
  /// node.
  std::string after_vmm;
  std::string path;  ///< remove: what to DELETE on the node
  std::string vm;    ///< remove a device: where it shows
  std::string key() const { return kind + "/" + node + "/" + object; }
};

/// The resource whose lock a remedy takes; "" where there is no remedy. What is left of a closed
/// attachment is nobody else's business: its volume may be attached elsewhere meanwhile.
std::string resource_of(const Drift& drift);
std::string attachment_resource(const Uuid& id);  ///< "attachment/<id>"

/// Resources that operations work on, or worked on while the node was asked: what is not there may
/// not be there yet, or not any more.
using HeldResources = std::set<std::string>;
/// Those of the operations that are live now.
HeldResources held_resources(db::Connection& connection);

struct Comparison {
  std::vector<Drift> drifts;
  std::size_t expected = 0;  ///< objects that the rows imply on this node, but for held ones
  std::size_t missing = 0;   ///< of these, not shown
  /// Of the VMs that show attachments of which that is not known yet, by attachment.
  std::map<Uuid, Uuid> vm_uuids;
};

/// Compare one node's inventory with the rows, both ways. Pure reads; run in one view of the
/// database.
Comparison compare_volume_server(db::Connection& connection, const std::string& node,
                                 const wire::VolumeServerInventory& inventory,
                                 const HeldResources& held);
Comparison compare_vmm(db::Connection& connection, const std::string& node,
                       const wire::VmmInventory& inventory, const HeldResources& held);

/// More than 5% and at least 5 objects gone at once: rather the answer is wrong than the world.
bool implausible(const Comparison& comparison);

}  // namespace vbs::api
