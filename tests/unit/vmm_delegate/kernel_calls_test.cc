#include "vmm_delegate/initiator/kernel_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/common/support.h"

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kLong{10'000};

/// Hangs until it is let go.
std::function<Result<void>()> hanging(const std::shared_ptr<std::atomic<bool>>& go) {
  return [go]() -> Result<void> {
    while (!*go) std::this_thread::sleep_for(Milliseconds(1));
    return {};
  };
}

Result<void> nothing() {
  return {};
}

TEST(KernelCalls, WhatHangsIsNotAskedForTwice) {
  KernelCalls calls;
  const auto go = std::make_shared<std::atomic<bool>>(false);
  const auto hung = calls.run_once("the flush of disk 1:0:0:1", Milliseconds(20), hanging(go));
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, ErrorCode::timeout);
  EXPECT_NE(hung.error().message.find("the flush of disk"), std::string::npos);
  const auto again = calls.run_once("the flush of disk 1:0:0:1", kLong, nothing);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::overloaded);
  EXPECT_TRUE(calls.run_once("the flush of disk 2:0:0:1", kLong, nothing)) << "others go on";
  *go = true;
  EXPECT_TRUE(test::eventually(
      [&] { return calls.run_once("the flush of disk 1:0:0:1", kLong, nothing).has_value(); }));
}

TEST(KernelCalls, OneThatHasEndedMayBeAskedForAtOnce) {
  KernelCalls calls;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(calls.run_once("x", kLong, nothing));
}

TEST(KernelCalls, NoMoreThanSomeStandStill) {
  KernelCalls calls;
  const auto go = std::make_shared<std::atomic<bool>>(false);
  ErrorCode last = ErrorCode::timeout;
  for (int i = 0; i < 40 && last == ErrorCode::timeout; ++i) {
    last = calls.run_once(std::to_string(i), Milliseconds(1), hanging(go)).error().code;
  }
  EXPECT_EQ(last, ErrorCode::overloaded);
  *go = true;
  EXPECT_TRUE(test::eventually([&] { return calls.run_once("39", kLong, nothing).has_value(); }))
      << "what was never begun is not under way";
}

}  // namespace
}  // namespace vbs::vmm_delegate
