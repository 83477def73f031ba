#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate {

/// The unit of an export among those that a daemon reports of a target; nullptr if it is missing.
template <class Unit>
const Unit* export_unit(const std::vector<Unit>& units) {
  const auto found = std::find_if(units.begin(), units.end(),
                                  [](const Unit& unit) { return unit.lun == kExportLun; });
  return found == units.end() ? nullptr : &*found;
}

/// A session that a daemon reports; its address is that of its first connection.
template <class Session>
TargetSession session_view(const Session& session) {
  const bool connected = !session.connections.empty();
  return {session.initiator, connected ? session.connections.front().address : std::string()};
}

}  // namespace vbs::volume_delegate
