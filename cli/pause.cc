#include "cli/pause.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace vbs::cli {
namespace {

std::atomic<int> signal_pipe{-1};
static_assert(std::atomic<int>::is_always_lock_free);

constexpr std::array kEndingSignals{SIGINT, SIGTERM, SIGHUP};

extern "C" void note_signal(int) {
  const int saved = errno;
  const char byte = 1;
  // The pipe is empty before the first signal, and after it the handler is gone: it cannot block.
  [[maybe_unused]] const auto written = write(signal_pipe.load(), &byte, 1);
  errno = saved;
}

void set_handlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (const int number : kEndingSignals) sigaction(number, &action, nullptr);
}

bool becomes_readable(int descriptor, Milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{descriptor, POLLIN, 0};
    const int ready = poll(&entry, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

SignalPause::SignalPause() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0) {
    read_end_ = FileDescriptor(ends[0]);
    write_end_ = FileDescriptor(ends[1]);
    signal_pipe = ends[1];
    set_handlers(note_signal);
  }
}

SignalPause::~SignalPause() {
  set_handlers(SIG_DFL);
  signal_pipe = -1;
}

bool SignalPause::pause(Milliseconds duration) {
  return !becomes_readable(descriptor(), duration);
}

bool SignalPause::interrupted() const {
  return becomes_readable(descriptor(), Milliseconds(0));
}

}  // namespace vbs::cli
