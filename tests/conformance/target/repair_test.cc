// From whatever state an export is in, it becomes what was asked for.

#include "common/volume_serial.h"
#include "tests/conformance/patiently.h"
#include "tests/conformance/target/fixture.h"

namespace vbs::conformance {
namespace {

constexpr const char* kFixedSize =
    "it reads a size when it opens the device; volumes grow while they are not attached";
constexpr const char* kPoints[] = {
    "volumed.put_export.after_target", "volumed.put_export.after_unit",
    "volumed.put_export.after_account", "volumed.put_export.after_rule"};

TEST_F(TargetConformance, ApplyingTwiceDisturbsNobody) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  EXPECT_EQ(1u, view(wanted).sessions.size());
  EXPECT_EQ("", trouble(session->write(0, std::string(kBlock, 'x'))));
}

TEST_F(TargetConformance, ApplyingCompletesWhatACrashLeft) {
  unsigned number = 0;
  for (const char* point : kPoints) {
    const TargetSpec wanted = spec(++number);
    die_during("apply", wanted, point);
    reopen();
    apply(wanted);
    EXPECT_TRUE(served(wanted)) << point;
    EXPECT_TRUE(log_in(wanted)) << point;
  }
}

TEST_F(TargetConformance, WhatACrashLeftLetsNobodyInToNothing) {
  unsigned number = 0;
  for (const char* point : kPoints) {
    const TargetSpec wanted = spec(++number);
    die_during("apply", wanted, point);
    // An initiator that comes back to a target without its logical unit gives up on it.
    const auto session = try_login(wanted);
    EXPECT_TRUE(!session || (*session)->read(0, kBlock)) << point;
  }
}

TEST_F(TargetConformance, RemovingCleansUpWhatACrashLeft) {
  unsigned number = 0;
  for (const char* point : kPoints) {
    const TargetSpec wanted = spec(++number);
    die_during("apply", wanted, point);
    reopen();
    remove(wanted);
    EXPECT_FALSE(is_listed(wanted.iqn)) << point;
    EXPECT_TRUE(devices_->is_free(wanted.device)) << point;
  }
}

TEST_F(TargetConformance, ARestartOfTheDelegateIsNoticedByNobody) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  reopen();
  EXPECT_EQ(1u, view(wanted).sessions.size());
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  EXPECT_EQ("", trouble(session->write(0, std::string(kBlock, 'x'))));
  EXPECT_TRUE(log_in(wanted));
}

TEST_F(TargetConformance, SeveralAtOnce) {
  constexpr unsigned kExports = 8;
  std::vector<TargetSpec> specs;
  for (unsigned number = 1; number <= kExports; ++number) specs.push_back(spec(number));
  std::vector<std::string> troubles(kExports);
  std::vector<std::thread> threads;
  for (unsigned n = 0; n < kExports; ++n) {
    threads.emplace_back([&, n] {
      for (int round = 0; round < 3 && troubles[n].empty(); ++round) {
        // A kernel takes one at a time, and that may last on a busy machine.
        troubles[n] = trouble(patiently([&] { return driver_->apply(specs[n]); }));
        if (troubles[n].empty() && !served(specs[n])) troubles[n] = "not served";
        if (!troubles[n].empty()) continue;
        troubles[n] = trouble(patiently([&] { return driver_->remove(specs[n].iqn, ""); }));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::vector<std::string>(kExports), troubles);
  for (const auto& done : specs) remove(done);
  EXPECT_EQ(0u, driver_->list()->size());
}

TEST_F(TargetConformance, WhatOthersMadeIsListedAndLeftAlone) {
  const std::string foreign = "iqn.2003-01.org.example:disk";
  rig_->add_foreign_target(foreign);
  const TargetSpec wanted = spec(1);
  apply(wanted);
  remove(wanted);
  EXPECT_TRUE(is_listed(foreign));
}

TEST_F(TargetConformance, AccessThatSomebodyAddedIsSeenAndTakenAway) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  Credentials stranger = credentials(wanted);
  stranger.initiator = "iqn.2026-01.host:stranger";
  rig_->let_in(wanted, stranger.initiator);
  EXPECT_FALSE(served(wanted));
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  if (const auto why = rig_->cannot("tell initiators apart"); !why.empty()) GTEST_SKIP() << why;
  EXPECT_TRUE(refuses(stranger));
}

TEST_F(TargetConformance, AnotherDeviceUnderTheNameIsSeenAndReplaced) {
  const TargetSpec wanted = spec(1);
  const TargetSpec other = spec(2);
  apply(other);
  apply(wanted);
  rig_->swap_device(wanted, other.device);
  EXPECT_FALSE(served(wanted));
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  EXPECT_TRUE(is_volume_serial(session->serial().value_or(""), *Uuid::parse(wanted.serial)));
}

TEST_F(TargetConformance, ADeviceThatIsMissingIsAnErrorThatHarmsNobody) {
  const TargetSpec good = spec(1);
  TargetSpec bad = spec(2);
  bad.device = dir_ / "missing";
  apply(good);
  EXPECT_FALSE(driver_->apply(bad));
  EXPECT_TRUE(served(good));
  EXPECT_FALSE(served(bad));
  const auto session = try_login(bad);
  EXPECT_FALSE(session && (*session)->read(0, kBlock));
  EXPECT_EQ("", trouble(driver_->remove(bad.iqn, bad.chap_user)));
}

TEST_F(TargetConformance, AnEmptyTargetTakesTheUnitsPlaceAndTheOtherWayRound) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  TargetSpec empty = wanted;
  empty.device = empty.serial = "";
  remove(wanted);
  empty.number = 2;
  apply(empty);
  EXPECT_TRUE(served(empty));
  EXPECT_TRUE(devices_->is_free(wanted.device));
  remove(empty);
  TargetSpec again = wanted;
  again.number = 3;
  apply(again);
  EXPECT_TRUE(served(again));
}

TEST_F(TargetConformance, AfterTheDaemonsDeathEverythingIsMadeAgain) {
  if (const auto why = rig_->cannot("be killed"); !why.empty()) GTEST_SKIP() << why;
  const TargetSpec first = spec(1);
  const TargetSpec second = spec(2);
  apply(first);
  apply(second);
  ASSERT_TRUE(rig_->kill_daemon());
  rig_->start_daemon();
  const auto state = driver_->ensure_running();
  ASSERT_EQ("", trouble(state));
  if (rig_->cannot("start its daemon").empty()) {
    EXPECT_EQ(volume_delegate::DaemonState::started, *state);
  }
  EXPECT_EQ(0u, driver_->list()->size());
  apply(first);
  apply(second);
  EXPECT_TRUE(served(first) && served(second));
  EXPECT_TRUE(log_in(first));
}

TEST_F(TargetConformance, ADaemonThatIsGoneServesNothing) {
  if (const auto why = rig_->cannot("be killed"); !why.empty()) GTEST_SKIP() << why;
  const TargetSpec wanted = spec(1);
  apply(wanted);
  ASSERT_TRUE(rig_->kill_daemon());
  EXPECT_TRUE(failed_with(driver_->list(), ErrorCode::node_unavailable));
  EXPECT_EQ("", trouble(driver_->fence(wanted.iqn)));
  EXPECT_EQ("", trouble(driver_->remove(wanted.iqn, wanted.chap_user)));
  EXPECT_TRUE(failed_with(driver_->apply(wanted), ErrorCode::node_unavailable));
  rig_->start_daemon();
}

TEST_F(TargetConformance, AGrownDeviceIsShown) {
  if (!driver_->grows_live()) GTEST_SKIP() << kFixedSize;
  const TargetSpec wanted = spec(1);
  apply(wanted);
  devices_->grow(wanted.device, 2 * Devices::kSize);
  ASSERT_EQ("", trouble(driver_->refresh_size(wanted)));
  EXPECT_TRUE(served(wanted));
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  EXPECT_EQ(2 * Devices::kSize, session->capacity().value_or(0));
  EXPECT_EQ("", trouble(session->write(3 * Devices::kSize / 2 / kBlock, std::string(kBlock, 'g'))));
}

TEST_F(TargetConformance, AGrownDeviceIsShownToALiveSession) {
  if (!driver_->grows_live()) GTEST_SKIP() << kFixedSize;
  const TargetSpec wanted = spec(1);
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  ASSERT_EQ("", trouble(session->write(0, std::string(kBlock, 'x'))));
  devices_->grow(wanted.device, 2 * Devices::kSize);
  ASSERT_EQ("", trouble(driver_->refresh_size(wanted)));
  EXPECT_EQ(2 * Devices::kSize, session->capacity().value_or(0));
  EXPECT_EQ(std::string(kBlock, 'x'), session->read(0, kBlock).value_or(""));
  EXPECT_EQ("", trouble(session->write(0, std::string(kBlock, 'y'))));
}

// Detached, grown, and attached again: what is made anew has the size of the day.
TEST_F(TargetConformance, ADeviceThatGrewBetweenTwoExportsHasItsNewSize) {
  TargetSpec wanted = spec(1);
  apply(wanted);
  remove(wanted);
  devices_->grow(wanted.device, 2 * Devices::kSize);
  wanted.number = 2;
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  EXPECT_EQ(2 * Devices::kSize, session->capacity().value_or(0));
}

}  // namespace
}  // namespace vbs::conformance
