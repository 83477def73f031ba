#include "common/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>

namespace vbs {
namespace {

TEST(ThreadPool, RunsWhatIsQueuedBeforeItStops) {
  std::atomic<int> ran = 0;
  ThreadPool pool("queued", 3, 1000);
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(pool.try_post([&] { ++ran; }));
  pool.stop();
  EXPECT_EQ(ran, 500);
}

TEST(ThreadPool, RefusesAfterStop) {
  ThreadPool pool("stopped", 1, 10);
  pool.stop();
  pool.stop();
  EXPECT_FALSE(pool.try_post([] { FAIL() << "must not run"; }));
}

TEST(ThreadPool, ThreadsRunAtTheSameTime) {
  ThreadPool pool("parallel", 4, 0);
  std::latch all(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(pool.try_post([&] { all.arrive_and_wait(); }));
  pool.stop();
  EXPECT_TRUE(all.try_wait());
}

TEST(ThreadPool, TheQueueIsBounded) {
  ThreadPool pool("bounded", 2, 3);
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  std::atomic<int> ran = 0;
  const auto task = [&] {
    gate.wait();
    ++ran;
  };
  // Two that run or are about to, and three that wait, whether or not the threads are up yet.
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(pool.try_post(task)) << i;
  EXPECT_FALSE(pool.try_post(task));
  go.set_value();
  pool.stop();
  EXPECT_EQ(ran, 5);
}

TEST(ThreadPool, WithoutAQueueAFreeThreadTakesTheTask) {
  ThreadPool pool("no-queue", 1, 0);
  std::promise<void> go;
  std::promise<void> running;
  EXPECT_TRUE(pool.try_post([&] {
    running.set_value();
    go.get_future().wait();
  }));
  running.get_future().wait();
  EXPECT_FALSE(pool.try_post([] {}));
  go.set_value();
  pool.stop();
}

TEST(ThreadPool, ATaskIsReleasedOnceItHasRun) {
  ThreadPool pool("release", 1, 2);
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = held;
  std::promise<bool> expired;
  EXPECT_TRUE(pool.try_post([held = std::move(held)] {}));
  EXPECT_TRUE(pool.try_post([&] { expired.set_value(watch.expired()); }));
  EXPECT_TRUE(expired.get_future().get());
}

TEST(ThreadPool, ManyThreadsMayPostWhileItStops) {
  std::atomic<int> accepted = 0;
  std::atomic<int> ran = 0;
  ThreadPool pool("race", 2, 10'000);
  {
    std::vector<std::jthread> posters;
    for (int poster = 0; poster < 4; ++poster) {
      posters.emplace_back([&] {
        for (int i = 0; i < 200; ++i) accepted += pool.try_post([&] { ++ran; }) ? 1 : 0;
      });
    }
    pool.stop();
  }
  EXPECT_EQ(ran, accepted);
}

TEST(ThreadPool, NoThreadsAreOneThread) {
  ThreadPool pool("zero", 0, 1);
  std::promise<void> ran;
  EXPECT_TRUE(pool.try_post([&] { ran.set_value(); }));
  ran.get_future().wait();
}

}  // namespace
}  // namespace vbs
