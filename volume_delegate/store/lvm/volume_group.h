#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/process.h"
#include "volume_delegate/store/lvm/command_queue.h"
#include "volume_delegate/store/lvm/lvm_commands.h"
#include "volume_delegate/store/lvm/lvm_report.h"

namespace vbs::volume_delegate {

/// One LVM volume group, by lvm's own program. lvm locks a group for every command, so this keeps
/// one queue instead of letting commands wait for each other inside of lvm. Looks are shared: all
/// who ask while one is running get the result of the next; those that are urgent take their own.
/// Thread-safe; calls block.
class VolumeGroup {
 public:
  using Run = std::function<Result<process::Outcome>(const process::Command&)>;
  using View = std::shared_ptr<const GroupView>;
  using Order = CommandQueue::Order;

  /// `program`: absolute path of lvm. `run`: process::run.
  /// `devices`: the folder that udev keeps, but in tests.
  VolumeGroup(LvmCommands commands, std::string program, Run run, Clock& clock,
              std::string devices = "/dev");

  const LvmCommands& commands() const { return commands_; }
  const std::string& name() const { return commands_.group(); }
  /// /dev/GROUP/NAME
  std::string device(const std::string& lv) const;

  /// Everything in the group, seen after this call began.
  Result<View> look(Order order = Order::usual) { return look(order, Patience::patient); }
  /// The same for who must not wait for an lvm that hangs: node_unavailable where a command has
  /// been running for 10 s.
  Result<View> look_or_give_up() { return look(Order::usual, Patience::hurried); }
  /// The same, perhaps up to 5 s old, but never older than a change made here.
  Result<View> recent();
  /// What was seen last, however old; nullptr if nothing was.
  View last_seen() const;
  /// Runs a command that changes the group.
  Result<void> change(const Arguments& arguments, Order order = Order::usual);
  /// Runs several, with no other one of this process in between; stops at the first that fails.
  Result<void> change_in_one_go(const std::vector<Arguments>& commands);

 private:
  enum class Patience { patient, hurried };
  Result<View> look(Order order, Patience patience);
  Result<void> check_answers() const;
  Result<GroupView> read(Order order);
  Result<std::string> run(const Arguments& arguments, Order order);
  Result<std::string> run_in_turn(const Arguments& arguments);
  Result<void> changing(const std::function<Result<void>()>& change);

  const LvmCommands commands_;
  const std::string program_;
  const Run run_;
  Clock& clock_;
  const std::string devices_;
  CommandQueue queue_;

  mutable std::mutex mutex_;
  std::condition_variable read_done_;
  int readers_ = 0;  ///< one, and those that are urgent
  std::uint64_t reads_begun_ = 0;
  std::uint64_t reads_done_ = 0;
  std::optional<Result<View>> last_;
  View last_seen_;
  MonotonicTime last_at_{};
  std::uint64_t changes_ = 0;       // begun and ended ones
  std::uint64_t last_changes_ = 0;  // when the last read began
};

}  // namespace vbs::volume_delegate
