#include "vmm_delegate/freeze/thaw_process.h"

#include <poll.h>

#include "common/process.h"
#include "vmm_delegate/freeze/lease_lock.h"

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kStartLimit{5'000};
constexpr int kLookAgainMs = 5;

}  // namespace

std::vector<std::string> thaw_arguments(const std::string& config, const Uuid& freeze) {
  return {"--config", config, "--freeze", freeze.str()};
}

ThawProcess::ThawProcess(std::string program, std::string config, std::string log_file,
                         FreezeStore store)
    : program_(std::move(program)),
      config_(std::move(config)),
      log_file_(std::move(log_file)),
      store_(std::move(store)) {}

bool ThawProcess::armed(const Uuid& freeze) {
  return LeaseLock::held(store_.lock_path(freeze));
}

Result<void> ThawProcess::arm(const Uuid& freeze) {
  if (armed(freeze)) return {};
  process::Command command;
  command.argv = thaw_arguments(config_, freeze);
  command.argv.insert(command.argv.begin(), program_);
  if (auto started = process::start_detached(command, log_file_); !started) {
    return fail(started.error());
  }
  const SystemClock clock;
  const MonotonicTime deadline = clock.monotonic() + kStartLimit;
  while (!armed(freeze)) {
    if (clock.monotonic() >= deadline) {
      return fail(ErrorCode::internal,
                  "the lease helper " + program_ + " did not start; see " + log_file_);
    }
    ::poll(nullptr, 0, kLookAgainMs);
  }
  return {};
}

}  // namespace vbs::vmm_delegate
