#include "volume_delegate/id_locks.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::id;

TEST(IdLocks, DifferentIdsDoNotWait) {
  IdLocks locks;
  const IdLocks::Guard first(locks, {id(1), id(2)});
  const IdLocks::Guard second(locks, {id(3)});
}

TEST(IdLocks, TheSameIdTwiceInOneCallIsFine) {
  IdLocks locks;
  { const IdLocks::Guard guard(locks, {id(1), id(1)}); }
  const IdLocks::Guard again(locks, {id(1)});
}

TEST(IdLocks, AnIdThatIsHeldIsWaitedFor) {
  IdLocks locks;
  std::atomic<bool> entered{false};
  auto held = std::make_unique<IdLocks::Guard>(locks, std::vector{id(1)});
  std::thread other([&] {
    const IdLocks::Guard guard(locks, {id(2), id(1)});
    entered = true;
  });
  { const IdLocks::Guard free_one(locks, {id(2)}); }
  EXPECT_FALSE(entered);
  held.reset();
  other.join();
  EXPECT_TRUE(entered);
}

// Every thread takes overlapping pairs in both orders; unguarded counters would lose increments and
// lock-by-lock acquisition would deadlock.
TEST(IdLocks, OverlappingPairsNeitherMixNorDeadlock) {
  constexpr unsigned kIds = 4;
  constexpr unsigned kThreads = 8;
  constexpr unsigned kRounds = 2000;
  IdLocks locks;
  std::array<unsigned, kIds> counters{};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < kRounds; ++i) {
        const unsigned a = (t + i) % kIds;
        const unsigned b = (t * 3 + i * 5 + 1) % kIds;
        const IdLocks::Guard guard(locks, {id(a), id(b)});
        ++counters[a];
        ++counters[b];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  unsigned sum = 0;
  for (const unsigned counter : counters) sum += counter;
  EXPECT_EQ(2 * kThreads * kRounds, sum);
}

}  // namespace
}  // namespace vbs::volume_delegate
