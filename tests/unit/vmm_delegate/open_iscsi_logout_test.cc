
#include <atomic>
#include <thread>

#include "tests/unit/vmm_delegate/open_iscsi_fixture.h"

namespace vbs::vmm_delegate {
namespace {

TEST_F(OpenIscsiTest, TakesTheDiskAwayBeforeTheSessionAndTheRecordLast) {
  ASSERT_TRUE(driver().log_in(id, spec));
  host.forget();
  const auto done = driver().log_out(id);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(host.done(), ElementsAre("flush sda", "remove sda", "logout"));
  EXPECT_THAT(host.commands().back(), ElementsAre("--mode", "session", "--sid", "1", "--logout"));
  EXPECT_FALSE(has_record());
  EXPECT_FALSE(std::filesystem::exists(host.path("iscsi") + "/nodes/" + spec.iqn));
}

TEST_F(OpenIscsiTest, ADiskInUseStays) {
  ASSERT_TRUE(driver().log_in(id, spec));
  host.forget();
  host.users = {"Xen's block backend vbd-3-51728"};
  const auto done = driver().log_out(id);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::conflict);
  EXPECT_THAT(done.error().message, HasSubstr("vbd-3-51728"));
  EXPECT_THAT(host.done(), IsEmpty());
  EXPECT_TRUE(has_record());
}

TEST_F(OpenIscsiTest, WhatCannotBeFlushedStays) {
  ASSERT_TRUE(driver().log_in(id, spec));
  host.flushed = fail(ErrorCode::timeout, "the flush has not ended");
  EXPECT_EQ(driver().log_out(id).error().code, ErrorCode::timeout);
  EXPECT_THAT(host.session_names(), ElementsAre(spec.iqn));
}

TEST_F(OpenIscsiTest, WhatCannotBeFlushedStaysWhileTheTargetHasIt) {
  ASSERT_TRUE(driver().log_in(id, spec));
  host.flushed = fail(ErrorCode::node_unavailable, "the disk cannot be flushed");
  EXPECT_EQ(driver().log_out(id).error().code, ErrorCode::node_unavailable);
  EXPECT_THAT(host.session_names(), ElementsAre(spec.iqn));
}

TEST_F(OpenIscsiTest, ADiskWithNothingBehindItIsTakenAway) {
  ASSERT_TRUE(driver().log_in(id, spec));
  host.flushed = fail(ErrorCode::node_unavailable, "the disk cannot be flushed");
  host.has_units = false;
  host.forget();
  const auto done = driver().log_out(id);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(host.done(), ElementsAre("flush sda", "serial sda", "remove sda", "logout"));
  EXPECT_FALSE(has_record());
}

TEST_F(OpenIscsiTest, ADeadTargetIsNotWaitedFor) {
  const unsigned sid = host.add_session(spec.iqn, kInterface, spec.volume.str());
  host.set_state(sid, "FAILED");
  EXPECT_TRUE(driver().log_out(id));
  EXPECT_THAT(host.done(), ElementsAre("remove sda", "logout"));
}

TEST_F(OpenIscsiTest, ALogoutIsTriedAgainWhileIscsidConnects) {
  host.add_session(spec.iqn, kInterface, spec.volume.str());
  int asked = 0;
  host.answer = [&](const std::vector<std::string>&) -> std::optional<process::Outcome> {
    process::Outcome busy;
    busy.exit_code = 32;
    return ++asked < 3 ? std::optional(busy) : std::nullopt;
  };
  EXPECT_TRUE(driver().log_out(id));
  EXPECT_EQ(asked, 3);
}

TEST_F(OpenIscsiTest, ASessionThatStaysIsToldThoughIscsiadmIsContent) {
  host.add_session(spec.iqn, kInterface, spec.volume.str());
  host.keeps_sessions = true;
  options.limit = Milliseconds(300);
  EXPECT_EQ(driver().log_out(id).error().code, ErrorCode::timeout);
}

TEST_F(OpenIscsiTest, ASessionThatIsGoneIsGoneWhateverIscsiadmSays) {
  const unsigned sid = host.add_session(spec.iqn, kInterface, spec.volume.str());
  host.answer = [&](const std::vector<std::string>&) {
    host.remove_session(sid);
    process::Outcome outcome;
    outcome.exit_code = 2;
    return std::optional(outcome);
  };
  EXPECT_TRUE(driver().log_out(id));
}

TEST_F(OpenIscsiTest, WithoutIscsidNothingIsLoggedOut) {
  host.add_session(spec.iqn, kInterface, spec.volume.str());
  options.limit = Milliseconds(300);
  host.answer = [](const std::vector<std::string>&) {
    process::Outcome outcome;
    outcome.exit_code = 20;
    return std::optional(outcome);
  };
  const auto done = driver().log_out(id);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::node_unavailable);
  EXPECT_THAT(done.error().message, HasSubstr("iscsid.socket"));
}

TEST_F(OpenIscsiTest, LogsOutOfNothing) {
  EXPECT_TRUE(driver().log_out(id));
  write_record("leftover");
  EXPECT_TRUE(driver().log_out(id));
  EXPECT_FALSE(has_record());
  write_record("");
  std::filesystem::remove(record_path());
  EXPECT_TRUE(driver().log_out(id));
  EXPECT_FALSE(std::filesystem::exists(host.path("iscsi") + "/nodes/" + spec.iqn))
      << "somebody took the record and left its folders";
  EXPECT_THAT(host.commands(), IsEmpty());
}

TEST_F(OpenIscsiTest, ForeignSessionsAndRecordsAreNotSeen) {
  host.add_session(spec.iqn, "default", spec.volume.str());
  host.add_session("iqn.2003-01.org.example:disk", kInterface, spec.volume.str());
  const std::string foreign = std::filesystem::path(record_path()).parent_path() / "default";
  std::filesystem::create_directories(std::filesystem::path(foreign).parent_path());
  std::ofstream(foreign) << "x";
  EXPECT_THAT(*driver().sessions(), IsEmpty());
  ASSERT_TRUE(prepare());
  EXPECT_TRUE(driver().log_out(id));
  EXPECT_EQ(host.session_names().size(), 2U);
  EXPECT_TRUE(std::filesystem::exists(foreign));
  EXPECT_THAT(host.commands(), IsEmpty());
}

TEST_F(OpenIscsiTest, ListsSessionsWithoutAskingTheirTargets) {
  const unsigned sid = host.add_session(spec.iqn, kInterface, spec.volume.str());
  host.set_state(sid, "FAILED");
  write_record("# vbs.generation = 12\n");
  const auto all = driver().sessions();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().attachment, id);
  EXPECT_EQ(all->front().serial, spec.volume.str());
  EXPECT_EQ(all->front().generation, 12);
  EXPECT_THAT(host.done(), IsEmpty());
}

TEST_F(OpenIscsiTest, TheLockOfAnIscsiadmThatMayRunStays) {
  const std::string lock = host.path("lock") + "/lock.write";
  std::ofstream(lock) << "";
  ASSERT_TRUE(driver().log_in(id, spec));
  EXPECT_TRUE(std::filesystem::exists(lock)) << "it may be held just now";
}

TEST_F(OpenIscsiTest, TheLockOfAKilledIscsiadmIsRemovedOnceItIsOld) {
  options.iscsiadm.stale_lock = std::chrono::seconds(0);
  const std::string lock = host.path("lock") + "/lock.write";
  std::ofstream(lock) << "";
  ASSERT_TRUE(driver().log_in(id, spec));
  EXPECT_FALSE(std::filesystem::exists(lock));
}

TEST_F(OpenIscsiTest, OneCommandAtATime) {
  options.limit = Milliseconds(2'500);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  host.answer = [&](const std::vector<std::string>&) -> std::optional<process::Outcome> {
    most = std::max(most.load(), ++running);
    std::this_thread::sleep_for(Milliseconds(50));
    --running;
    process::Outcome refused;
    refused.exit_code = 24;
    return refused;
  };
  driver();  // made before the threads come to it
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= 4; ++i) {
    threads.emplace_back([&, i] {
      wire::SessionSpec one = spec;
      one.iqn = "iqn.2026-01.vbs:" + test_id(i).str();
      const auto status = driver().log_in(test_id(i), one);
      ASSERT_FALSE(status);
      EXPECT_EQ(status.error().code, ErrorCode::forbidden) << status.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace vbs::vmm_delegate
