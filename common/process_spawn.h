#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "common/process.h"

namespace vbs::process {

/// Everything posix_spawn needs, built beforehand, so that `spawn` itself allocates nothing and may
/// be called in a forked copy of this process.
class SpawnPlan {
 public:
  enum class Group { own_group, own_session };
  struct Streams {
    int in;  ///< all three above 2
    int out;
    int err;
  };

  SpawnPlan(const Command& command, Group group, Streams streams);
  ~SpawnPlan();
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  /// 0 or the errno value, also where the program could not be executed.
  int spawn(pid_t* pid);

 private:
  std::vector<std::string> texts_;
  std::vector<char*> argv_;
  std::vector<char*> environment_;
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
  int error_ = 0;  ///< of the first preparation that failed
};

}  // namespace vbs::process
