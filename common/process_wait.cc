#include "common/process_wait.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>

// glibc 2.36 declares these without C linkage for C++.
extern "C" {
#include <sys/pidfd.h>
}

namespace vbs::process {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A pipe's default capacity: one read takes all that is in it.
constexpr std::size_t kChunk = 64 * 1024;

/// One pipe and what came out of it.
struct Stream {
  FileDescriptor pipe;
  std::string* text;
};

class Waiter {
 public:
  Waiter(Child child, const Command& command)
      : command_(command),
        pid_(child.pid),
        pidfd_(std::move(child.pidfd)),
        streams_{Stream{std::move(child.out), &outcome_.out},
                 Stream{std::move(child.err), &outcome_.err}} {}

  Result<Outcome> run() {
    deadline_ = SteadyClock::now() + command_.run_limit;
    while (!poll_once()) {
    }
    for (Stream& stream : streams_) read_some(stream);
    // While the leader is not reaped the group's number cannot be anybody else's.
    if (outcome_.timed_out) ::kill(-pid_, SIGKILL);
    return reap();
  }

 private:
  enum class Phase { running, asked_to_end, killed };

  // True when the child is gone.
  bool poll_once() {
    std::array<pollfd, 3> polled{pollfd{pidfd_.get(), POLLIN, 0},
                                 pollfd{streams_[0].pipe.get(), POLLIN, 0},
                                 pollfd{streams_[1].pipe.get(), POLLIN, 0}};
    const int ready = ::poll(polled.data(), polled.size(), remaining_ms());
    if (ready == 0) escalate();
    if (ready <= 0) return false;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (polled[i + 1].revents != 0) read_some(streams_[i]);
    }
    if (phase_ != Phase::killed && SteadyClock::now() >= deadline_) escalate();
    return polled[0].revents != 0;
  }

  int remaining_ms() const {
    if (phase_ == Phase::killed) return -1;
    const auto left = std::chrono::ceil<Milliseconds>(deadline_ - SteadyClock::now()).count();
    constexpr std::int64_t kLongest = std::numeric_limits<int>::max();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, kLongest));
  }

  void escalate() {
    outcome_.timed_out = true;
    const bool ask = phase_ == Phase::running;
    ::kill(-pid_, ask ? SIGTERM : SIGKILL);
    phase_ = ask ? Phase::asked_to_end : Phase::killed;
    deadline_ = SteadyClock::now() + command_.kill_grace;
  }

  void read_some(Stream& stream) {
    if (!stream.pipe) return;
    std::array<char, kChunk> buffer;
    const ssize_t got = ::read(stream.pipe.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      stream.pipe.reset();
      return;
    }
    const auto size = static_cast<std::size_t>(got);
    const std::size_t room = command_.output_limit - stream.text->size();
    stream.text->append(buffer.data(), std::min(size, room));
    if (size > room) outcome_.truncated = true;
  }

  Result<Outcome> reap() {
    siginfo_t info{};
    int result = -1;
    do {
      result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
    } while (result != 0 && errno == EINTR);
    if (result != 0) {
      return fail(ErrorCode::internal,
                  "the exit status of " + command_.argv[0] + " is lost: " + errno_text(errno));
    }
    outcome_.exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return std::move(outcome_);
  }

  const Command& command_;
  const pid_t pid_;
  const FileDescriptor pidfd_;
  Outcome outcome_;
  std::array<Stream, 2> streams_;
  Phase phase_ = Phase::running;
  SteadyClock::time_point deadline_;
};

}  // namespace

Result<Outcome> wait_for(Child child, const Command& command) {
  return Waiter(std::move(child), command).run();
}

}  // namespace vbs::process
