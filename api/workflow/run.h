#pragma once

#include "api/workflow/engine.h"

namespace vbs::workflow {

/// What the engine keeps in memory of one live operation; all of it can be lost at any moment.
struct Engine::Run {
  explicit Run(const Uuid& operation) : id(operation) {}
  Uuid id;
  bool live = false;     ///< seen so; what had ended before was counted then
  bool busy = false;     ///< a call or a commit of it is under way
  bool poked = false;    ///< woken while busy
  Line* line = nullptr;  ///< where it stands, before a node
  /// The present step, a point of no return, was sent and its outcome is not on record.
  bool perhaps_done = false;
  /// An earlier front began it, and no node has answered about it since.
  bool unheard = false;
  int looks = 0;  ///< at an accepted step that is not yet true
  TimerId timer = 0;
  MonotonicTime step_started{};
  MonotonicTime last_shown{};  ///< when waiting was last written down
};

struct Engine::Shared {
  EngineCounters counters;
};

}  // namespace vbs::workflow
