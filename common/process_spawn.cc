#include "common/process_spawn.h"

#include <signal.h>
#include <unistd.h>

namespace vbs::process {

SpawnPlan::SpawnPlan(const Command& command, Group group, Streams streams) : texts_(command.argv) {
  const std::size_t arguments = texts_.size();
  texts_.emplace_back("LC_ALL=C");
  for (const auto& [name, value] : command.environment) texts_.push_back(name + "=" + value);
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    (i < arguments ? argv_ : environment_).push_back(texts_[i].data());
  }
  argv_.push_back(nullptr);
  environment_.push_back(nullptr);

  const auto keep = [this](int error) {
    if (error_ == 0) error_ = error;
  };
  keep(::posix_spawnattr_init(&attributes_));
  const int group_flag =
      group == Group::own_session ? POSIX_SPAWN_SETSID : static_cast<int>(POSIX_SPAWN_SETPGROUP);
  keep(::posix_spawnattr_setflags(
      &attributes_,
      static_cast<short>(group_flag | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)));
  sigset_t signals;
  ::sigfillset(&signals);
  keep(::posix_spawnattr_setsigdefault(&attributes_, &signals));
  ::sigemptyset(&signals);
  keep(::posix_spawnattr_setsigmask(&attributes_, &signals));

  keep(::posix_spawn_file_actions_init(&actions_));
  keep(::posix_spawn_file_actions_adddup2(&actions_, streams.in, STDIN_FILENO));
  keep(::posix_spawn_file_actions_adddup2(&actions_, streams.out, STDOUT_FILENO));
  keep(::posix_spawn_file_actions_adddup2(&actions_, streams.err, STDERR_FILENO));
  keep(::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
}

SpawnPlan::~SpawnPlan() {
  ::posix_spawn_file_actions_destroy(&actions_);
  ::posix_spawnattr_destroy(&attributes_);
}

int SpawnPlan::spawn(pid_t* pid) {
  if (error_ != 0) return error_;
  return ::posix_spawn(pid, argv_[0], &actions_, &attributes_, argv_.data(), environment_.data());
}

}  // namespace vbs::process
