#include "common/service_signals.h"

#include <pthread.h>
#include <time.h>

#include <cerrno>

#include "common/log.h"

namespace vbs {
namespace {

constexpr timespec kSecond{1, 0};

}  // namespace

ServiceSignals::ServiceSignals() {
  sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, number);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void ServiceSignals::wait_for_stop(const std::function<void()>& reload,
                                   const std::function<void()>& each_second) const {
  while (true) {
    const int number = each_second ? ::sigtimedwait(&signals_, nullptr, &kSecond)
                                   : ::sigwaitinfo(&signals_, nullptr);
    if (number == SIGTERM || number == SIGINT) return;
    if (number == SIGHUP) {
      log::reopen();
      reload();
    }
    if (number < 0 && errno == EAGAIN && each_second) each_second();
  }
}

}  // namespace vbs
