#include "tests/unit/vmm_delegate/machine_support.h"
#include "tests/unit/vmm_delegate/open_iscsi_fixture.h"

namespace vbs::vmm_delegate {
namespace {

class OpenIscsiStartTest : public OpenIscsiTest {
 protected:
  /// A host that was logged in, and has lost power since.
  void lose_power() {
    const auto status = driver().log_in(id, spec);
    ASSERT_TRUE(status) << status.error().message;
    host.remove_session(1);
    host.forget();
    ASSERT_TRUE(has_record());
  }
  /// Whose session is not back after the start, and may be tried again at once.
  void lose_power_before_a_silent_target() {
    options.restore_pause = Milliseconds(0);
    spec.portal = portal_.portal();
    lose_power();
    host.set_target(spec.iqn, {"", 8});
    ASSERT_TRUE(prepare());
  }

 private:
  const test::SilentPortal portal_;  // takes connections, so that the login itself is tried again
};

TEST_F(OpenIscsiStartTest, BringsBackWhatAPowerCutHasEnded) {
  lose_power();
  ASSERT_TRUE(prepare());
  EXPECT_THAT(host.done(), ElementsAre("login", "scan 2 1", "serial sdb"));
  const auto all = driver().sessions();
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().attachment, id);
  EXPECT_EQ(all->front().generation, 7);
  EXPECT_NE(all->front().path, "");
  EXPECT_THAT(test::slurp(record_path()), HasSubstr(spec.chap_secret.reveal()));
  EXPECT_TRUE(has_record());
}

TEST_F(OpenIscsiStartTest, ASilentPortalIsTriedOnceAndKeepsItsRecords) {
  lose_power();
  wire::SessionSpec other = spec;
  other.iqn = "iqn.2026-01.vbs:" + test_id(2).str();
  host.set_target(other.iqn, {spec.volume.str(), 0});
  ASSERT_TRUE(driver().log_in(test_id(2), other));
  host.remove_session(2);
  host.set_target(spec.iqn, {"", 8});
  host.set_target(other.iqn, {"", 8});
  const auto before = host.commands().size();
  ASSERT_TRUE(prepare());
  EXPECT_EQ(host.commands().size(), before + 1);
  EXPECT_TRUE(has_record());
  EXPECT_TRUE(std::filesystem::exists(host.path("iscsi") + "/nodes/" + other.iqn));
}

TEST_F(OpenIscsiStartTest, ATargetThatRefusesLosesItsRecord) {
  for (const int refused : {24, 19}) {
    host.set_target(spec.iqn, {spec.volume.str(), 0});
    const auto status = driver().log_in(id, spec);
    ASSERT_TRUE(status) << status.error().message;
    host.remove_session(refused == 24 ? 1 : 2);
    host.set_target(spec.iqn, {"", refused});
    trial = fail(ErrorCode::not_found, "no such target for this initiator");
    ASSERT_TRUE(prepare());
    EXPECT_FALSE(has_record()) << refused;
  }
}

TEST_F(OpenIscsiStartTest, AnotherVolumeBehindTheTargetDoesNotStay) {
  lose_power();
  host.set_target(spec.iqn, {test_id(101).str(), 0});
  ASSERT_TRUE(prepare());
  EXPECT_THAT(host.session_names(), IsEmpty());
  EXPECT_THAT(host.done(),
              ElementsAre("login", "scan 2 1", "serial sdb", "flush sdb", "remove sdb", "logout"));
  EXPECT_FALSE(has_record());
}

TEST_F(OpenIscsiStartTest, WhatWasRemovedDoesNotComeBack) {
  lose_power();
  removed.insert(id);
  ASSERT_TRUE(prepare());
  EXPECT_THAT(host.done(), IsEmpty());
  EXPECT_FALSE(has_record());
}

TEST_F(OpenIscsiStartTest, WhatTakesTooLongIsLeftForLater) {
  options.restore_limit = Milliseconds(0);
  lose_power();
  ASSERT_TRUE(prepare());
  EXPECT_THAT(host.done(), IsEmpty());
  EXPECT_TRUE(has_record());
}

TEST_F(OpenIscsiStartTest, IsTriedAgainUntilTheTargetAnswers) {
  lose_power_before_a_silent_target();
  driver().bring_back();
  EXPECT_THAT(host.session_names(), IsEmpty());
  host.set_target(spec.iqn, {spec.volume.str(), 0});
  driver().bring_back();
  EXPECT_THAT(host.session_names(), ElementsAre(spec.iqn));
  const auto before = host.commands().size();
  driver().bring_back();
  EXPECT_EQ(host.commands().size(), before) << "there is nothing left to do";
}

TEST_F(OpenIscsiStartTest, IsNotTriedAgainAtOnce) {
  lose_power();
  host.set_target(spec.iqn, {"", 8});
  ASSERT_TRUE(prepare());
  const auto before = host.commands().size();
  driver().bring_back();
  EXPECT_EQ(host.commands().size(), before);
}

TEST_F(OpenIscsiStartTest, WhatWasLoggedOutMeanwhileDoesNotComeBack) {
  lose_power_before_a_silent_target();
  ASSERT_TRUE(driver().log_out(id));
  host.set_target(spec.iqn, {spec.volume.str(), 0});
  driver().bring_back();
  EXPECT_THAT(host.session_names(), IsEmpty());
}

TEST_F(OpenIscsiStartTest, WhatWasRemovedMeanwhileDoesNotComeBack) {
  lose_power_before_a_silent_target();
  removed.insert(id);
  host.set_target(spec.iqn, {spec.volume.str(), 0});
  driver().bring_back();
  EXPECT_THAT(host.session_names(), IsEmpty());
  EXPECT_FALSE(has_record());
}

TEST_F(OpenIscsiStartTest, ASessionThatEndsWithoutAnOrderComesBack) {
  options.restore_pause = Milliseconds(0);
  ASSERT_TRUE(prepare());
  ASSERT_TRUE(driver().log_in(id, spec));
  host.remove_session(1);
  driver().bring_back();
  EXPECT_THAT(host.session_names(), ElementsAre(spec.iqn));
}

TEST_F(OpenIscsiStartTest, NothingStaysOfOneWhoseTargetIsGone) {
  options.restore_pause = Milliseconds(0);
  ASSERT_TRUE(prepare());
  ASSERT_TRUE(driver().log_in(id, spec));
  // A logout that came late, of an order whose process had died.
  host.remove_session(1);
  host.set_target(spec.iqn, {"", 19});
  trial = fail(ErrorCode::not_found, "no such target for this initiator");
  driver().bring_back();
  EXPECT_FALSE(has_record());
  EXPECT_THAT(host.session_names(), IsEmpty());
}

TEST_F(OpenIscsiStartTest, WhatComesBackLateIsProvenToo) {
  lose_power_before_a_silent_target();
  host.add_session(spec.iqn, kInterface, test_id(101).str(), spec.portal);
  driver().bring_back();
  EXPECT_THAT(host.session_names(), IsEmpty()) << "it shows another volume";
}

TEST_F(OpenIscsiStartTest, OneRecordThatCannotBeReadOrRemovedStopsNothing) {
  lose_power();
  const std::string bad = host.path("iscsi") + "/nodes/iqn.2026-01.vbs:" + test_id(2).str() +
                          "/127.0.0.1,3260,1/" + kInterface;
  std::filesystem::create_directories(bad + "/a-folder-in-its-place");
  ASSERT_TRUE(prepare());
  EXPECT_THAT(host.session_names(), ElementsAre(spec.iqn));
}

TEST_F(OpenIscsiStartTest, SweepsWhatAnEarlierRunLeft) {
  const std::string other = "iqn.2026-01.vbs:" + test_id(2).str();
  const std::string kept = "iqn.2026-01.vbs:" + test_id(3).str();
  host.add_session(other, kInterface, test_id(102).str());
  host.add_session(kept, kInterface, test_id(103).str());
  write_record("a record without a session");
  write_record("");
  const auto path =
      std::filesystem::path(host.path("iscsi") + "/nodes/" + kept + "/127.0.0.1,3260,1");
  std::filesystem::create_directories(path);
  std::ofstream(path / kInterface) << "x";
  ASSERT_TRUE(prepare());
  EXPECT_FALSE(has_record());
  EXPECT_THAT(host.session_names(), ElementsAre(kept)) << "the other had no record";
  EXPECT_THAT(test::slurp(host.path("iscsi") + "/ifaces/" + kInterface),
              HasSubstr("iface.initiatorname = iqn.2026-01.vbs:node-hv1\n"));
}

}  // namespace
}  // namespace vbs::vmm_delegate
