#include "common/fault_point.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

namespace vbs {
namespace {

enum class Action { kill, stop, sleep };

struct Arming {
  std::string name;
  bool prefix = false;  ///< the name ended in '*'
  Action action = Action::kill;
  long sleep_ms = 0;
  bool repeat = false;
  std::atomic<bool> spent = false;

  bool matches(std::string_view point) const {
    return prefix ? point.starts_with(name) : point == name;
  }
};

struct Plan {
  std::deque<Arming> armings;
  int log_fd = -1;
};

// Going on with a misspelt arming would make a test pass that tested nothing.
[[noreturn]] void refuse(std::string_view variable, std::string_view text) {
  std::fprintf(stderr, "%.*s: cannot use \"%.*s\"\n", static_cast<int>(variable.size()),
               variable.data(), static_cast<int>(text.size()), text.data());
  std::abort();
}

void read_action(std::string_view text, Arming& arming) {
  std::string_view action = text;
  arming.repeat = action.ends_with('!');
  if (arming.repeat) action.remove_suffix(1);
  if (action == "kill") return;
  if (action == "stop") {
    arming.action = Action::stop;
    return;
  }
  constexpr std::string_view kSleep = "sleep:";
  if (!action.starts_with(kSleep)) refuse("VBS_FAULT", text);
  action.remove_prefix(kSleep.size());
  arming.action = Action::sleep;
  const char* end = action.data() + action.size();
  const auto parsed = std::from_chars(action.data(), end, arming.sleep_ms);
  if (parsed.ec != std::errc() || parsed.ptr != end || arming.sleep_ms < 0) {
    refuse("VBS_FAULT", text);
  }
}

void read_armings(std::string_view text, std::deque<Arming>& armings) {
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(entry.size() + 1, text.size()));
    const auto equals = entry.find('=');
    if (equals == 0 || equals == std::string_view::npos) refuse("VBS_FAULT", entry);
    Arming& arming = armings.emplace_back();
    arming.name = entry.substr(0, equals);
    arming.prefix = arming.name.ends_with('*');
    if (arming.prefix) arming.name.pop_back();
    read_action(entry.substr(equals + 1), arming);
  }
}

enum class State { unread, disarmed, armed };
std::atomic<State> g_state = State::unread;

Plan& plan() {
  static Plan* const only = [] {
    auto* made = new Plan;  // lives as long as the process: threads may pass points while it ends
    if (const char* text = std::getenv("VBS_FAULT")) read_armings(text, made->armings);
    const char* log = std::getenv("VBS_FAULT_LOG");
    if (log != nullptr && *log != '\0') {
      made->log_fd = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
      if (made->log_fd < 0) refuse("VBS_FAULT_LOG", log);
    }
    const bool armed = !made->armings.empty() || made->log_fd >= 0;
    g_state.store(armed ? State::armed : State::disarmed);
    return made;
  }();
  return *only;
}

void act(const Arming& arming) {
  if (arming.action == Action::sleep) {
    timespec left{arming.sleep_ms / 1000, arming.sleep_ms % 1000 * 1'000'000};
    while (::nanosleep(&left, &left) != 0) {
    }
    return;
  }
  // SIGSTOP to this very thread: another one might take it, and this one run on for a moment.
  if (arming.action == Action::kill) ::kill(::getpid(), SIGKILL);
  ::raise(SIGSTOP);
}

void pass(Plan& current, std::string_view name) {
  if (current.log_fd >= 0) {
    // One write, so that lines of several processes do not mix.
    const std::string line = std::string(name) + "\n";
    if (::write(current.log_fd, line.data(), line.size()) < 0) refuse("VBS_FAULT_LOG", name);
  }
  for (Arming& arming : current.armings) {
    if (!arming.matches(name)) continue;
    if (arming.repeat || !arming.spent.exchange(true)) act(arming);
  }
}

}  // namespace

bool fault_points_armed() {
  const State state = g_state.load(std::memory_order_relaxed);
  if (state != State::unread) return state == State::armed;
  plan();
  return g_state.load() == State::armed;
}

void fault_point(std::string_view name) {
  if (fault_points_armed()) pass(plan(), name);
}

}  // namespace vbs
