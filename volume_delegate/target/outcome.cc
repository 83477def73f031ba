#include "volume_delegate/target/outcome.h"

#include <chrono>
#include <thread>

#include "common/clock.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::chrono::seconds kLimit{5};
constexpr Milliseconds kPoll{20};  // commands in flight take a few milliseconds to drain

}  // namespace

Result<void> until_gone(const std::string& who, const std::string& iqn,
                        const std::function<Result<void>()>& step) {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  for (;;) {
    auto gone = step();
    if (gone || gone.error().code != ErrorCode::conflict) return gone;
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorCode::timeout, who + " still holds parts of target " + iqn +
                                          "; nobody can log in any more: " + gone.error().message);
    }
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace vbs::volume_delegate
