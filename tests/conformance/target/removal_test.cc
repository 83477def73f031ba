// How exports end.

#include <algorithm>
#include <atomic>

#include "tests/conformance/target/fixture.h"

namespace vbs::conformance {
namespace {

TEST_F(TargetConformance, RemovingWhatIsAbsentSucceeds) {
  const TargetSpec never = spec(1);
  remove(never);
  apply(never);
  remove(never);
  remove(never);
  EXPECT_FALSE(is_listed(never.iqn));
}

TEST_F(TargetConformance, AfterRemovalNobodyGetsInAndTheDeviceIsFree) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  remove(wanted);
  EXPECT_FALSE(is_listed(wanted.iqn));
  EXPECT_TRUE(refuses(credentials(wanted)));
  EXPECT_TRUE(devices_->is_free(wanted.device));
}

TEST_F(TargetConformance, NoSessionSurvivesRemoval) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  ASSERT_EQ("", trouble(session->write(0, std::string(kBlock, 'x'))));
  const auto begin = std::chrono::steady_clock::now();
  remove(wanted);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_FALSE(session->write(0, std::string(kBlock, 'y')));
  EXPECT_TRUE(devices_->is_free(wanted.device));
  EXPECT_EQ(std::string(kBlock, 'x'), devices_->bytes(wanted.device, 0, kBlock));
}

TEST_F(TargetConformance, RemovalUnderLoadEndsTheWriter) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  constexpr unsigned kBlocks = 1024;
  std::atomic<unsigned> written{0};
  std::atomic<bool> ended{false};
  std::thread writer([&] {
    while (session->write(written % kBlocks, std::string(kBlock, 'l'))) ++written;
    ended = true;
  });
  EXPECT_TRUE(eventually([&] { return written > 20; }));
  remove(wanted);
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
  writer.join();
  EXPECT_TRUE(devices_->is_free(wanted.device));
  const std::size_t size = std::min<std::size_t>(written, kBlocks) * kBlock;
  EXPECT_EQ(std::string::npos, devices_->bytes(wanted.device, 0, size).find_first_not_of('l'))
      << "what was acknowledged is there";
}

TEST_F(TargetConformance, AFenceShutsOutWhoIsNotInYet) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  ASSERT_EQ("", trouble(driver_->fence(wanted.iqn)));
  EXPECT_TRUE(refuses(credentials(wanted)));
  EXPECT_FALSE(served(wanted));
  ASSERT_EQ("", trouble(driver_->fence(wanted.iqn)));
}

TEST_F(TargetConformance, AFenceLeavesSessionsAlone) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  ASSERT_EQ("", trouble(driver_->fence(wanted.iqn)));
  EXPECT_EQ("", trouble(session->write(0, std::string(kBlock, 'x'))));
  EXPECT_EQ(1u, view(wanted).sessions.size());
}

TEST_F(TargetConformance, ApplyingOpensAFenceAgain) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  ASSERT_EQ("", trouble(driver_->fence(wanted.iqn)));
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  EXPECT_TRUE(log_in(wanted));
}

TEST_F(TargetConformance, AFenceAroundNothingIsHarmless) {
  EXPECT_EQ("", trouble(driver_->fence(spec(1).iqn)));
  EXPECT_FALSE(is_listed(spec(1).iqn));
}

TEST_F(TargetConformance, RemovingOneExportLeavesTheOthers) {
  const TargetSpec first = spec(1);
  const TargetSpec second = spec(2);
  apply(first);
  apply(second);
  auto session = log_in(second);
  ASSERT_TRUE(session);
  remove(first);
  EXPECT_TRUE(served(second));
  EXPECT_EQ("", trouble(session->write(0, std::string(kBlock, 'x'))));
}

TEST_F(TargetConformance, AnOldSecretIsWorthNothingAfterANewExport) {
  TargetSpec wanted = spec(1);
  const Credentials old = credentials(wanted);
  apply(wanted);
  remove(wanted);
  wanted.number = 2;
  wanted.chap_secret = Secret("anothersecret34");
  apply(wanted);
  EXPECT_TRUE(refuses(old));
  EXPECT_TRUE(log_in(wanted));
}

TEST_F(TargetConformance, RemovingWhatIsHalfGoneCompletes) {
  for (const char* point :
       {"volumed.remove_target.after_fence", "volumed.remove_target.after_end"}) {
    const TargetSpec wanted = spec(1);
    apply(wanted);
    auto session = log_in(wanted);
    ASSERT_TRUE(session);
    die_during("remove", wanted, point);
    reopen();
    EXPECT_TRUE(refuses(credentials(wanted))) << point;
    remove(wanted);
    EXPECT_FALSE(is_listed(wanted.iqn)) << point;
    EXPECT_TRUE(devices_->is_free(wanted.device)) << point;
  }
}

TEST_F(TargetConformance, WhatIsHalfGoneCanBeMadeAgain) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  die_during("remove", wanted, "volumed.remove_target.after_end");
  reopen();
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  EXPECT_TRUE(log_in(wanted));
}

}  // namespace
}  // namespace vbs::conformance
