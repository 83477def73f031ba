#include "volume_delegate/id_locks.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::id;

TEST(IdLocks, DifferentIdsDoNotWait) {
  IdLocks locks;
  const auto first = locks.take({id(1), id(2)});
  EXPECT_TRUE(locks.take({id(3)}, Milliseconds(0)));
}

TEST(IdLocks, TheSameIdTwiceInOneCallIsFine) {
  IdLocks locks;
  EXPECT_TRUE(locks.take({id(1), id(1)}));
  EXPECT_TRUE(locks.take({id(1)}, Milliseconds(0)));
}

TEST(IdLocks, AnIdThatIsHeldIsWaitedFor) {
  IdLocks locks;
  std::atomic<bool> entered{false};
  std::optional<IdLocks::Guard> held(*locks.take({id(1)}));
  std::thread other([&] {
    entered = locks.take({id(2), id(1)}, std::chrono::minutes(1)).has_value();
  });
  EXPECT_TRUE(locks.take({id(2)}));
  EXPECT_FALSE(entered);
  held.reset();
  other.join();
  EXPECT_TRUE(entered);
}

// An order that hangs would else use up a thread for each time that it is repeated.
TEST(IdLocks, NobodyWaitsForEver) {
  IdLocks locks;
  const auto held = locks.take({id(1)});
  EXPECT_TRUE(testing::failed_with(locks.take({id(2), id(1)}, Milliseconds(20)),
                                   ErrorCode::overloaded, id(1).str()));
  EXPECT_TRUE(locks.take({id(2)}, Milliseconds(0))) << "who gave up holds nothing";
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
        const auto guard = locks.take({id(a), id(b)}, std::chrono::minutes(1));
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
