#include "vmm_delegate/keyed_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/vmm_delegate/support.h"

namespace vbs::vmm_delegate {
namespace {

TEST(KeyedLock, KeepsOthersOfTheSameKeyOut) {
  KeyedLock locks;
  auto first = locks.acquire("a", Milliseconds(0));
  ASSERT_TRUE(first);
  EXPECT_FALSE(locks.acquire("a", Milliseconds(5)));
  EXPECT_TRUE(locks.acquire("b", Milliseconds(0)));
  first.reset();
  EXPECT_TRUE(locks.acquire("a", Milliseconds(0)));
}

TEST(KeyedLock, AMovedGuardHoldsOnce) {
  KeyedLock locks;
  auto first = locks.acquire("a", Milliseconds(0));
  auto second = std::make_unique<KeyedLock::Guard>(*std::move(first));
  first.reset();
  EXPECT_FALSE(locks.acquire("a", Milliseconds(0)));
  second.reset();
  EXPECT_TRUE(locks.acquire("a", Milliseconds(0)));
}

TEST(KeyedLock, WhoWaitsIsLetInWhenTheHolderLeaves) {
  KeyedLock locks;
  auto first = locks.acquire("a", Milliseconds(0));
  std::atomic<bool> inside = false;
  std::thread waiting([&] { inside = locks.acquire("a", std::chrono::minutes(1)).has_value(); });
  first.reset();
  waiting.join();
  EXPECT_TRUE(inside);
}

}  // namespace
}  // namespace vbs::vmm_delegate
