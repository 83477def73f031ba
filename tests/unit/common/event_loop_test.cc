#include "common/event_loop.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <thread>
#include <vector>

namespace vbs {
namespace {

using std::chrono::steady_clock;
constexpr Milliseconds kFar = std::chrono::hours(1);

// Waits until everything posted before has run.
void drain(EventLoop& loop) {
  std::promise<void> done;
  loop.post([&] { done.set_value(); });
  done.get_future().wait();
}

TEST(EventLoop, TasksRunInOrderOfPosting) {
  EventLoop loop("order");
  std::vector<int> seen;  // without a lock: tasks run one at a time
  for (int i = 0; i < 1000; ++i) loop.post([&seen, i] { seen.push_back(i); });
  drain(loop);
  ASSERT_EQ(seen.size(), 1000U);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(EventLoop, ManyThreadsMayPost) {
  EventLoop loop("many");
  std::array<int, 4> last{};
  bool in_order = true;
  {
    std::vector<std::jthread> posters;
    for (std::size_t poster = 0; poster < last.size(); ++poster) {
      posters.emplace_back([&, poster] {
        for (int i = 1; i <= 500; ++i) {
          loop.post([&, poster, i] {
            in_order = in_order && last[poster] == i - 1;
            last[poster] = i;
          });
        }
      });
    }
  }
  drain(loop);
  EXPECT_TRUE(in_order);
  EXPECT_EQ(last, (std::array<int, 4>{500, 500, 500, 500}));
}

TEST(EventLoop, ATaskPostedByATaskRunsAfterIt) {
  EventLoop loop("nested");
  std::vector<int> seen;
  std::promise<void> done;
  loop.post([&] {
    loop.post([&] {
      seen.push_back(2);
      done.set_value();
    });
    seen.push_back(1);
  });
  done.get_future().wait();
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(EventLoop, ATimerWaitsAtLeastItsDelay) {
  EventLoop loop("timer");
  std::promise<steady_clock::time_point> fired;
  const auto start = steady_clock::now();
  EXPECT_NE(loop.post_after(Milliseconds(20), [&] { fired.set_value(steady_clock::now()); }), 0U);
  EXPECT_GE(fired.get_future().get() - start, Milliseconds(20));
}

TEST(EventLoop, ShorterTimersRunFirst) {
  EventLoop loop("timers");
  std::vector<int> seen;
  std::promise<void> done;
  loop.post([&] {  // all three are set before any can run
    loop.post_after(Milliseconds(30), [&] {
      seen.push_back(30);
      done.set_value();
    });
    loop.post_after(Milliseconds(10), [&] { seen.push_back(10); });
    loop.post_after(Milliseconds(-5), [&] { seen.push_back(-5); });
  });
  done.get_future().wait();
  EXPECT_EQ(seen, (std::vector<int>{-5, 10, 30}));
}

TEST(EventLoop, TheLongestDelayIsNotThePast) {
  EventLoop loop("long");
  std::atomic<bool> ran = false;
  const TimerId timer = loop.post_after(Milliseconds::max(), [&] { ran = true; });
  std::promise<void> later;
  loop.post_after(Milliseconds(5), [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_FALSE(ran);
  loop.cancel(timer);
}

TEST(EventLoop, ACancelledTimerIsForgottenAtOnce) {
  EventLoop loop("cancel");
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = held;
  const TimerId timer = loop.post_after(kFar, [held = std::move(held)] {});
  std::thread([&] { loop.cancel(timer); }).join();
  EXPECT_TRUE(watch.expired());
  loop.cancel(timer);
  loop.cancel(0);
}

TEST(EventLoop, ATimerThatIsDueCanStillBeCancelledOnTheLoop) {
  EventLoop loop("due");
  bool ran = false;
  std::promise<void> done;
  loop.post([&] {
    const TimerId due = loop.post_after(Milliseconds(1), [&] { ran = true; });
    const auto start = steady_clock::now();
    while (steady_clock::now() - start < Milliseconds(5)) {
    }
    loop.post_after(Milliseconds(0), [&] { done.set_value(); });
    loop.cancel(due);
  });
  done.get_future().wait();
  drain(loop);
  EXPECT_FALSE(ran);
}

TEST(EventLoop, CancellingFromManyThreadsRacesWithFiring) {
  EventLoop loop("race");
  std::atomic<int> ran = 0;
  for (int i = 0; i < 500; ++i) {
    const TimerId timer = loop.post_after(Milliseconds(i % 2), [&] { ++ran; });
    loop.cancel(timer);
  }
  drain(loop);
  EXPECT_LE(ran, 500);
}

TEST(EventLoop, AfterStopEverythingIsDropped) {
  EventLoop loop("stop");
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = held;
  loop.post_after(kFar, [held = std::move(held)] {});
  std::latch running(1);
  std::latch stop_called(1);
  bool second_ran = false;
  bool first_ended = false;
  loop.post([&] {
    running.count_down();
    stop_called.wait();
    first_ended = true;
  });
  running.wait();
  std::thread stopper([&] { loop.stop(); });
  // post_after gives 0 once stop has begun, while the first task still runs.
  while (loop.post_after(kFar, [] {}) != 0) {
  }
  loop.post([&] { second_ran = true; });
  stop_called.count_down();
  stopper.join();
  loop.stop();
  EXPECT_TRUE(first_ended);
  EXPECT_FALSE(second_ran);
  EXPECT_TRUE(watch.expired());
}

TEST(EventLoop, ATaskMayStopItsLoop) {
  std::atomic<bool> ended = false;
  {
    EventLoop loop("self-stop");
    std::promise<void> stopped;
    loop.post([&] {
      loop.stop();
      stopped.set_value();
      ended = true;
    });
    stopped.get_future().wait();
  }
  EXPECT_TRUE(ended);
}

TEST(EventLoop, TwoThreadsMayStopIt) {
  EventLoop loop("two-stops");
  std::jthread one([&] { loop.stop(); });
  std::jthread two([&] { loop.stop(); });
}

/// Calls back into its loop when it is destroyed, as an object that owns a timer does.
struct CancelsOnDestruction {
  EventLoop& loop;
  TimerId timer;
  ~CancelsOnDestruction() { loop.cancel(timer); }
};

TEST(EventLoop, DroppedTasksMayCallBackWhileTheLoopGoes) {
  auto loop = std::make_unique<EventLoop>("drop");
  std::latch running(1);
  std::latch go(1);
  loop->post([&] {
    running.count_down();
    go.wait();
  });
  running.wait();
  const TimerId timer = loop->post_after(kFar, [] {});
  auto queued = std::make_shared<CancelsOnDestruction>(*loop, timer);
  const std::weak_ptr<CancelsOnDestruction> watch = queued;
  loop->context().stop();  // the queued task stays in the queue for the destructor to drop
  loop->post([queued = std::move(queued)] {});
  go.count_down();
  loop.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(EventLoop, ItsThreadHasItsName) {
  EventLoop loop("a-name-that-is-too-long");
  std::promise<std::string> name;
  loop.post([&] {
    std::array<char, 32> text{};
    ::pthread_getname_np(::pthread_self(), text.data(), text.size());
    name.set_value(text.data());
  });
  EXPECT_EQ(name.get_future().get(), "a-name-that-is-");
}

}  // namespace
}  // namespace vbs
