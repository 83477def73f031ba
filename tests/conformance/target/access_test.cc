// Who gets in, and what they see.

#include <set>

#include "common/volume_serial.h"
#include "tests/conformance/target/fixture.h"

namespace vbs::conformance {
namespace {

TEST_F(TargetConformance, WhatWasAppliedIsServedExactly) {
  const TargetSpec wanted = spec(1);
  EXPECT_FALSE(is_listed(wanted.iqn));
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  const TargetView seen = view(wanted);
  EXPECT_EQ(wanted.device, seen.device);
  EXPECT_TRUE(seen.sessions.empty());
}

TEST_F(TargetConformance, TheInitiatorSeesTheVolume) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  EXPECT_TRUE(is_volume_serial(session->serial().value_or(""), *Uuid::parse(wanted.serial)));
  EXPECT_EQ(Devices::kSize, session->capacity().value_or(0));
  EXPECT_EQ(std::string(kBlock, '\0'), session->read(0, kBlock).value_or(""));
}

TEST_F(TargetConformance, TheSessionIsListedWithItsInitiator) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  const TargetView seen = view(wanted);
  ASSERT_EQ(1u, seen.sessions.size());
  EXPECT_EQ(wanted.initiator, seen.sessions.front().initiator);
  EXPECT_EQ("127.0.0.1", seen.sessions.front().address);
  session->log_out();
  EXPECT_TRUE(eventually([&] { return view(wanted).sessions.empty(); }));
}

TEST_F(TargetConformance, AVolumeKeepsItsIdentityFromExportToExport) {
  std::set<std::string> identities;
  for (unsigned number = 1; number <= 3; ++number) {
    const TargetSpec wanted = spec(number, 9);
    apply(wanted);
    auto session = log_in(wanted);
    ASSERT_TRUE(session);
    const auto identity = session->identity();
    ASSERT_EQ("", trouble(identity));
    EXPECT_NE("", *identity);
    identities.insert(*identity);
    session->log_out();
    remove(wanted);
  }
  EXPECT_EQ(1u, identities.size());
}

TEST_F(TargetConformance, TwoVolumesHaveTwoIdentities) {
  std::set<std::string> identities;
  for (unsigned number = 1; number <= 2; ++number) {
    const TargetSpec wanted = spec(number);
    apply(wanted);
    auto session = log_in(wanted);
    ASSERT_TRUE(session);
    identities.insert(session->identity().value_or(""));
    session->log_out();
  }
  EXPECT_EQ(2u, identities.size());
}

TEST_F(TargetConformance, AWrongSecretIsRefused) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  Credentials wrong = credentials(wanted);
  wrong.secret = "secretsecret13";
  EXPECT_TRUE(refuses(wrong));
  EXPECT_TRUE(log_in(wanted));
}

TEST_F(TargetConformance, WithoutCredentialsNobodyGetsIn) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  Credentials none = credentials(wanted);
  none.user = none.secret = "";
  EXPECT_TRUE(refuses(none));
}

TEST_F(TargetConformance, AnotherInitiatorIsRefused) {
  if (const auto why = rig_->cannot("tell initiators apart"); !why.empty()) GTEST_SKIP() << why;
  const TargetSpec wanted = spec(1);
  apply(wanted);
  for (const std::string& name : {wanted.initiator + "1", std::string("iqn.2026-01.hostx1")}) {
    Credentials other = credentials(wanted);
    other.initiator = name;
    EXPECT_TRUE(refuses(other)) << name;
  }
  EXPECT_TRUE(log_in(wanted));
}

TEST_F(TargetConformance, TheCredentialsOfOneExportOpenNoOther) {
  const TargetSpec first = spec(1);
  TargetSpec second = spec(2);
  second.initiator = first.initiator;
  apply(first);
  apply(second);
  Credentials crossed = credentials(first);
  crossed.iqn = second.iqn;
  EXPECT_TRUE(refuses(crossed));
}

TEST_F(TargetConformance, ReadOnlyIsReadOnly) {
  TargetSpec wanted = spec(1);
  wanted.read_only = true;
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  EXPECT_EQ(std::string(kBlock, '\0'), session->read(0, kBlock).value_or(""));
  EXPECT_FALSE(session->write(0, std::string(kBlock, 'x')));
  EXPECT_EQ(std::string(kBlock, '\0'), devices_->bytes(wanted.device, 0, kBlock));
}

TEST_F(TargetConformance, SeveralReadOnlyExportsOfOneVolumeStandByThemselves) {
  TargetSpec first = spec(1, 9);
  TargetSpec second = spec(2, 9);
  first.read_only = second.read_only = true;
  apply(first);
  apply(second);
  EXPECT_TRUE(served(first) && served(second));
  auto session = log_in(second);
  ASSERT_TRUE(session);
  remove(first);
  EXPECT_EQ(std::string(kBlock, '\0'), session->read(0, kBlock).value_or(""));
  EXPECT_TRUE(served(second));
}

TEST_F(TargetConformance, WhatWasFlushedIsOnTheDevice) {
  const TargetSpec wanted = spec(1);
  apply(wanted);
  auto session = log_in(wanted);
  ASSERT_TRUE(session);
  const std::string bytes(8 * kBlock, 'v');
  ASSERT_EQ("", trouble(session->write(16, bytes)));
  ASSERT_EQ("", trouble(session->flush()));
  EXPECT_EQ(bytes, devices_->bytes(wanted.device, 16 * kBlock, bytes.size()));
}

TEST_F(TargetConformance, WhatWasFlushedIsThereInTheNextExport) {
  const std::string bytes(8 * kBlock, 'n');
  for (unsigned number = 1; number <= 2; ++number) {
    const TargetSpec wanted = spec(number, 9);
    apply(wanted);
    auto session = log_in(wanted);
    ASSERT_TRUE(session);
    if (number == 1) {
      ASSERT_EQ("", trouble(session->write(0, bytes)));
      ASSERT_EQ("", trouble(session->flush()));
    } else {
      EXPECT_EQ(bytes, session->read(0, 8 * kBlock).value_or(""));
    }
    session.reset();
    remove(wanted);
  }
}

TEST_F(TargetConformance, LongSecretsWithEverySignWork) {
  TargetSpec wanted = spec(1);
  wanted.chap_user = std::string(60, 'u') + "._:-";
  wanted.chap_secret = Secret(std::string(100, 's') + "!\"#$%&'()*+-./:;<=>?@[]^_`{|}~");
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  EXPECT_TRUE(log_in(wanted));
  Credentials cut = credentials(wanted);
  cut.secret.pop_back();
  EXPECT_TRUE(refuses(cut));
}

TEST_F(TargetConformance, AnEmptyTargetLetsItsInitiatorInToNothing) {
  TargetSpec wanted = spec(1);
  const std::string device = wanted.device;
  wanted.device = wanted.serial = "";
  apply(wanted);
  EXPECT_TRUE(served(wanted));
  const auto session = try_login(wanted);
  EXPECT_FALSE(session && (*session)->read(0, kBlock));
  EXPECT_TRUE(devices_->is_free(device));
  remove(wanted);
  EXPECT_FALSE(is_listed(wanted.iqn));
}

}  // namespace
}  // namespace vbs::conformance
