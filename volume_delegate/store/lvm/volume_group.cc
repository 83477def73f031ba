#include "volume_delegate/store/lvm/volume_group.h"

#include <utility>

#include "common/fault_point.h"
#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

/// Longer than the stores' upkeep pauses between its looks: who only asks whether a volume is
/// there, as before each export, does not wait for lvm.
constexpr Milliseconds kRecent{5'000};
/// lvm waits up to 6 s for a device to be let go, and udev may be slow. Past the limit it is told
/// to end; it is killed late only, because that may leave devices suspended.
constexpr Milliseconds kRunLimit{120'000};
constexpr Milliseconds kKillGrace{60'000};
/// No command of lvm takes so long unless it, or its disk, hangs.
constexpr Milliseconds kAnswers{10'000};
constexpr Milliseconds kSlice{200};
constexpr std::size_t kOutputLimit = 256 * kMiB;

}  // namespace

VolumeGroup::VolumeGroup(LvmCommands commands, std::string program, Run run, Clock& clock,
                         std::string devices)
    : commands_(std::move(commands)),
      program_(std::move(program)),
      run_(std::move(run)),
      clock_(clock),
      devices_(std::move(devices)),
      queue_(clock) {}

std::string VolumeGroup::device(const std::string& lv) const {
  std::string path = devices_;
  path += "/";
  path += name();
  path += "/";
  return path += lv;
}

Result<std::string> VolumeGroup::run(const Arguments& arguments, Order order) {
  const CommandQueue::Turn turn(queue_, order);
  return run_in_turn(arguments);
}

Result<std::string> VolumeGroup::run_in_turn(const Arguments& arguments) {
  process::Command command;
  command.argv = {program_};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.run_limit = kRunLimit;
  command.kill_grace = kKillGrace;
  command.output_limit = kOutputLimit;
  auto outcome = run_(command);
  if (!outcome) return fail(outcome.error());
  const std::string& what = arguments.front();
  if (outcome->timed_out) {
    return fail(ErrorCode::timeout, "lvm " + what + " did not end in time");
  }
  if (outcome->exit_code != 0) return fail(lvm_error(what, outcome->exit_code, outcome->err));
  if (outcome->truncated) return fail(ErrorCode::internal, "lvm " + what + " says too much");
  return std::move(outcome->out);
}

Result<void> VolumeGroup::changing(const std::function<Result<void>()>& change) {
  {
    std::lock_guard lock(mutex_);
    ++changes_;
  }
  auto done = change();
  std::lock_guard lock(mutex_);
  ++changes_;
  return done;
}

Result<void> VolumeGroup::change(const Arguments& arguments, Order order) {
  return changing([&]() -> Result<void> {
    auto done = run(arguments, order);
    if (!done) return fail(done.error());
    return {};
  });
}

Result<void> VolumeGroup::change_in_one_go(const std::vector<Arguments>& commands) {
  return changing([&]() -> Result<void> {
    const CommandQueue::Turn turn(queue_, Order::usual);
    for (const auto& arguments : commands) {
      if (auto done = run_in_turn(arguments); !done) return fail(done.error());
      fault_point("volumed.lvm.in_one_go");
    }
    return {};
  });
}

Result<GroupView> VolumeGroup::read(Order order) {
  auto text = run(commands_.lvs(), order);
  if (!text) return fail(text.error());
  auto view = parse_lvs(*text);
  if (!view) return fail(view.error());
  if (!view->volumes.empty()) return view;
  auto size_text = run(commands_.vgs(), order);
  if (!size_text) return fail(size_text.error());
  auto group = parse_vgs(*size_text);
  if (!group) return fail(group.error());
  view->group = *group;
  return view;
}

Result<void> VolumeGroup::check_answers() const {
  const auto busy = queue_.busy_for();
  if (busy < kAnswers) return {};
  return fail(ErrorCode::node_unavailable,
              "lvm has not answered for " + std::to_string(busy.count() / 1000) + " s");
}

VolumeGroup::View VolumeGroup::last_seen() const {
  std::lock_guard lock(mutex_);
  return last_seen_;
}

Result<VolumeGroup::View> VolumeGroup::look(Order order, Patience patience) {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = reads_begun_ + 1;  // one that begins from now on
  while (true) {
    if (reads_done_ >= wanted) return *last_;
    if (patience == Patience::hurried) {
      if (auto ok = check_answers(); !ok) return fail(ok.error());
    }
    // Whoever is urgent does not wait for one that stands in the line of the others.
    if (readers_ == 0 || order == Order::urgent) break;
    read_done_.wait_for(lock, kSlice);
  }
  ++readers_;
  const std::uint64_t mine = ++reads_begun_;
  const std::uint64_t changes = changes_;
  lock.unlock();
  auto view = read(order);
  auto result =
      view ? Result<View>(std::make_shared<const GroupView>(std::move(*view))) : fail(view.error());
  lock.lock();
  --readers_;
  read_done_.notify_all();
  if (mine < reads_done_) return result;
  reads_done_ = mine;
  last_ = result;
  if (result) last_seen_ = *result;
  last_at_ = clock_.monotonic();
  last_changes_ = changes;
  return result;
}

Result<VolumeGroup::View> VolumeGroup::recent() {
  {
    std::lock_guard lock(mutex_);
    const bool fresh =
        last_ && *last_ && last_changes_ == changes_ && clock_.monotonic() - last_at_ < kRecent;
    if (fresh) return *last_;
  }
  return look_or_give_up();
}

}  // namespace vbs::volume_delegate
