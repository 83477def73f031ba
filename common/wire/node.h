#pragma once

#include <cstdint>
#include <string>

#include "common/json.h"

namespace vbs::wire {

/// Answer of `GET /v1/node` of either delegate: who it is and how it is doing.
struct NodeStatus {
  std::string name;  ///< from its configuration; must match the front's
  std::string role;  ///< "volume-server" or "vmm"
  std::string version;
  std::string driver;                  ///< "file+tgt", "qemu"
  std::string initiator;               ///< VMM node: its IQN; "" on a volume server
  std::uint64_t capacity_bytes = 0;    ///< volume server: what may be handed out in all
  std::uint64_t reserved_bytes = 0;    ///< of that, promised to volumes and snapshots
  bool snapshots_need_volume = false;  ///< a snapshot dies with its volume (classic LVM)
  bool grows_attached = false;         ///< volume server: volumes can grow while they are attached
  bool healthy = true;                 ///< its target daemon or hypervisor answers
  std::string problem;                 ///< why not, or what will become a problem, for people

  static Result<NodeStatus> from_json(const json::Value& value);
  void to_json(json::Writer& out) const;
};

}  // namespace vbs::wire
