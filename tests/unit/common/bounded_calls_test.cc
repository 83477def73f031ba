#include "common/bounded_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/unit/common/support.h"

namespace vbs {
namespace {

/// Calls that hang until they are let go.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [&] { return open_; });
    --waiting_;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

TEST(BoundedCalls, GivesBackWhatTheCallGives) {
  BoundedCalls calls(2, "somebody");
  EXPECT_EQ(*calls.run<int>(Milliseconds(10'000), [] { return Result<int>(7); }), 7);
  const auto failed = calls.run<void>(
      Milliseconds(10'000), []() -> Result<void> { return fail(ErrorCode::conflict, "no"); });
  EXPECT_EQ(failed.error().code, ErrorCode::conflict);
}

TEST(BoundedCalls, LeavesACallThatHangsBehindAndServesOthers) {
  const auto gate = std::make_shared<Gate>();
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  BoundedCalls calls(2, "somebody");
  const auto begin = std::chrono::steady_clock::now();
  const auto hung = calls.run<void>(Milliseconds(50), [gate, ended]() -> Result<void> {
    gate->pass();
    *ended = true;
    return {};
  });
  EXPECT_EQ(hung.error().code, ErrorCode::timeout);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, Milliseconds(50));
  EXPECT_TRUE(calls.run<void>(Milliseconds(10'000), [] { return Result<void>(); }));
  EXPECT_FALSE(*ended);
  gate->open();
  EXPECT_TRUE(test::eventually([&] { return ended->load(); })) << "it runs to its end";
}

TEST(BoundedCalls, RefusesWorkWhileTooManyHang) {
  const auto gate = std::make_shared<Gate>();
  BoundedCalls calls(2, "somebody");
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(calls.run<void>(Milliseconds(20), [gate]() -> Result<void> {
      gate->pass();
      return {};
    }));
  }
  const auto refused = calls.run<void>(Milliseconds(10'000), [] { return Result<void>(); });
  EXPECT_EQ(refused.error().code, ErrorCode::overloaded);
  EXPECT_NE(refused.error().message.find("2 calls to somebody"), std::string::npos);
  gate->open();
  EXPECT_TRUE(test::eventually([&] {
    return calls.run<void>(Milliseconds(10'000), [] { return Result<void>(); }).has_value();
  }));
}

TEST(BoundedCalls, FreesWhatACallHeldBeforeItsCallerGoesOn) {
  BoundedCalls calls(4, "somebody");
  for (int i = 0; i < 200; ++i) {
    auto held = std::make_shared<int>(i);
    const std::weak_ptr<int> watch = held;
    ASSERT_TRUE(calls.run<int>(Milliseconds(10'000),
                               [held = std::move(held)] { return Result<int>(*held); }));
    ASSERT_TRUE(watch.expired());
  }
}

TEST(BoundedCalls, MayGoWhileACallHangs) {
  const auto gate = std::make_shared<Gate>();
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  {
    BoundedCalls calls(1, "somebody");
    EXPECT_FALSE(calls.run<void>(Milliseconds(20), [gate, ended]() -> Result<void> {
      gate->pass();
      *ended = true;
      return {};
    }));
  }
  EXPECT_EQ(gate->waiting(), 1);
  gate->open();
  EXPECT_TRUE(test::eventually([&] { return ended->load(); }));
}

TEST(BoundedCalls, ServesManyAtOnce) {
  BoundedCalls calls(8, "somebody");
  std::atomic<int> done = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        if (calls.run<int>(Milliseconds(10'000), [n] { return Result<int>(n); }) == n) ++done;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(done, 8 * 200);
}

}  // namespace
}  // namespace vbs
