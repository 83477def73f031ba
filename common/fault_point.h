#pragma once

#include <string_view>

namespace vbs {

/// A named place where a test may make the process die, stop or wait. Armed by the environment
/// variable VBS_FAULT="name=action[;name=action...]", read once:
///   kill       SIGKILL to this very process (a real one: no handler, no destructor runs)
///   stop       SIGSTOP, until somebody sends SIGCONT
///   sleep:MS   blocks the calling thread
/// "name" may end in '*'. Each arming fires once unless the action ends in '!'.
/// VBS_FAULT_LOG=FILE appends every point that is passed, one a line, so that a test can list what
/// was really hit. Free (one relaxed load) when neither is set.
void fault_point(std::string_view name);
/// For callers that build the name: false when nothing is armed.
bool fault_points_armed();

}  // namespace vbs
