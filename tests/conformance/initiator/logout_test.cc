#include <thread>

#include "tests/conformance/initiator/fixture.h"

namespace vbs::conformance {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

TEST_F(InitiatorConformance, LoggingOutLeavesNothing) {
  const auto spec = serve(1);
  ASSERT_TRUE(log_in(1, spec));
  const auto done = log_out(1);
  ASSERT_TRUE(done) << done.error().message;
  expect_nothing(1);
  EXPECT_THAT(*initiator_->sessions(), ::testing::IsEmpty());
}

TEST_F(InitiatorConformance, LoggingOutOfNothingSucceeds) {
  EXPECT_TRUE(log_out(9));
  ASSERT_TRUE(log_in(1, serve(1)));
  EXPECT_TRUE(log_out(1));
  EXPECT_TRUE(log_out(1)) << "again";
}

TEST_F(InitiatorConformance, LoggingOutTwiceAtOnceSucceeds) {
  ASSERT_TRUE(log_in(1, serve(1)));
  std::vector<std::thread> threads;
  std::vector<std::string> troubles(2);
  for (std::string& trouble : troubles) {
    threads.emplace_back([&] {
      const auto done = patiently([&] { return initiator_->log_out(test_id(1)); });
      if (!done) trouble = done.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(troubles, ::testing::Each(""));
  expect_nothing(1);
}

TEST_F(InitiatorConformance, LoggingOutLeavesOthersAlone) {
  const auto first = serve(1);
  const auto second = serve(2);
  ASSERT_TRUE(log_in(1, first));
  ASSERT_TRUE(log_in(2, second));
  ASSERT_TRUE(log_out(1));
  const auto status = log_in(2, second);
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(initiator_->sessions()->size(), of_host() ? 1U : 0U);
}

TEST_F(InitiatorConformance, LogsInAgainAfterLoggingOut) {
  const auto spec = serve(1);
  for (int round = 0; round < 3; ++round) {
    const auto status = log_in(1, spec);
    ASSERT_TRUE(status) << status.error().message;
    const auto done = log_out(1);
    ASSERT_TRUE(done) << done.error().message;
  }
}

TEST_F(InitiatorConformance, ADeadTargetDoesNotHoldUpLoggingOut) {
  const auto spec = serve(1);
  ASSERT_TRUE(log_in(1, spec));
  targets_->kill();
  // The connection was closed, so the kernel knows at once.
  const auto start = steady_clock::now();
  const auto done = log_out(1);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_LT(steady_clock::now() - start, 30s);
  expect_nothing(1);
}

TEST_F(InitiatorConformance, ASilentTargetHoldsUpLoggingOutForABoundedTime) {
  const auto spec = serve(1);
  ASSERT_TRUE(log_in(1, spec));
  targets_->freeze();
  const auto start = steady_clock::now();
  // The kernel needs ten seconds to notice, and not the minutes that a VM would be made to wait.
  const auto done = log_out(1);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_LT(steady_clock::now() - start, 60s);
  expect_nothing(1);
  targets_->thaw();
}

TEST_F(InitiatorConformance, AnEmptiedTargetDoesNotHoldUpLoggingOut) {
  const auto spec = serve(1);
  const auto status = log_in(1, spec);
  ASSERT_TRUE(status) << status.error().message;
  {
    const FileDescriptor disk(of_host() ? ::open(status->path.c_str(), O_WRONLY | O_CLOEXEC) : -1);
    if (of_host()) {
      ASSERT_EQ(::write(disk.get(), "v", 1), 1) << "that is still to be flushed";
    }
    targets_->empty(spec);
  }
  const auto done = log_out(1);
  EXPECT_TRUE(done) << done.error().message;
  expect_nothing(1);
}

TEST_F(InitiatorConformance, WhatWasWrittenIsOnTheTargetAfterLoggingOut) {
  if (!of_host()) GTEST_SKIP() << "where VMs log in themselves, the host has no disk";
  const auto spec = serve(1);
  const auto status = log_in(1, spec);
  ASSERT_TRUE(status) << status.error().message;
  const std::string bytes(64 * 1024, 'v');
  {
    const FileDescriptor disk(::open(status->path.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::write(disk.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  const auto done = log_out(1);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(targets_->bytes_of(spec, bytes.size()), bytes);
}

TEST_F(InitiatorConformance, ADiskInUseIsNotTakenAway) {
  if (!of_host()) GTEST_SKIP() << "where VMs log in themselves, the host has no disk";
  const auto status = log_in(1, serve(1));
  ASSERT_TRUE(status) << status.error().message;
  {
    const test::TempDir dir;
    const test::Child user({"/bin/sleep", "60"}, {}, status->path);
    const auto done = log_out(1);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::conflict);
    EXPECT_NE(done.error().message.find(std::to_string(user.pid())), std::string::npos)
        << done.error().message;
    EXPECT_TRUE(std::filesystem::is_block_file(status->path));
  }
  const auto done = log_out(1);
  EXPECT_TRUE(done) << done.error().message;
}

TEST_F(InitiatorConformance, ADiskHeldExclusivelyIsNotTakenAway) {
  if (!of_host()) GTEST_SKIP() << "where VMs log in themselves, the host has no disk";
  const auto status = log_in(1, serve(1));
  ASSERT_TRUE(status) << status.error().message;
  {
    // As a mounted file system does, and without an open file of another process.
    const FileDescriptor disk(::open(status->path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    ASSERT_TRUE(disk);
    const auto done = log_out(1);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::conflict);
  }
  EXPECT_TRUE(log_out(1));
}

}  // namespace
}  // namespace vbs::conformance
