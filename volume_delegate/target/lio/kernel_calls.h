#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "common/bounded_calls.h"
#include "common/error.h"

namespace vbs::volume_delegate {

/// Calls into the kernel about one object or another, each bounded in time. As long as one about an
/// object is left behind, no other about the same object is begun: what it still does cannot then
/// come after what has been ordered later. Thread-safe.
class KernelCalls {
 public:
  /// Errors: those of the call; timeout (it goes on by itself, or one before it does); overloaded
  /// (not begun).
  template <class T>
  Result<T> run(const std::string& object, Milliseconds limit, std::function<Result<T>()> call) {
    const auto ticket = std::make_shared<Ticket>(left_behind_, object);
    if (auto ok = ticket->check_may_begin(); !ok) return fail(ok.error());
    auto result = calls_.run<T>(limit, [ticket, call = std::move(call)] {
      auto done = call();
      ticket->end();
      return done;
    });
    if (!result && result.error().code == ErrorCode::timeout) ticket->leave_behind();
    return result;
  }

 private:
  struct LeftBehind {
    std::mutex mutex;
    std::multiset<std::string> objects;
  };
  /// One call; it may outlive the KernelCalls.
  class Ticket {
   public:
    Ticket(std::shared_ptr<LeftBehind> all, std::string object)
        : all_(std::move(all)), object_(std::move(object)) {}
    Result<void> check_may_begin();
    void leave_behind();
    void end();

   private:
    const std::shared_ptr<LeftBehind> all_;
    const std::string object_;
    bool ended_ = false;  // guarded by the mutex of all_
    bool left_ = false;
  };

  /// One for each target that hangs, and those at work.
  static constexpr std::size_t kMaxCalls = 64;

  const std::shared_ptr<LeftBehind> left_behind_ = std::make_shared<LeftBehind>();
  BoundedCalls calls_{kMaxCalls, "the kernel's iSCSI target"};
};

}  // namespace vbs::volume_delegate
