#include "volume_delegate/watcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

TEST(Watcher, LooksAtOnceAndAgain) {
  std::atomic<int> looks = 0;
  Watcher watcher(Milliseconds(1), [&] { ++looks; });
  EXPECT_TRUE(watcher.await_first_look(std::chrono::minutes(1)));
  EXPECT_LE(1, looks);
  EXPECT_TRUE(testing::eventually([&] { return looks > 3; }));
}

// A device that hangs must not keep a server from answering.
TEST(Watcher, WhoAwaitsTheFirstLookGoesOnWithoutIt) {
  std::promise<void> answers;
  Watcher watcher(Milliseconds(1), [waiting = answers.get_future().share()] { waiting.wait(); });
  EXPECT_FALSE(watcher.await_first_look(Milliseconds(20)));
  answers.set_value();
  EXPECT_TRUE(watcher.await_first_look(std::chrono::minutes(1)));
}

}  // namespace
}  // namespace vbs::volume_delegate
