#include "vmm_delegate/initiator/iscsi_login.h"

#include <gtest/gtest.h>

#include "tests/unit/vmm_delegate/machine_support.h"
#include "vmm_delegate/initiator/vm_initiator.h"

namespace vbs::vmm_delegate {
namespace {

using test::test_id;

constexpr const char* kInitiator = "iqn.2026-01.vbs:node-test";
constexpr Milliseconds kLimit{20'000};

class IscsiLoginTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::access(test::kTgtd, X_OK) != 0) GTEST_SKIP() << test::kTgtd << " is not installed";
    tgtd = std::make_unique<test::TestTgtd>(dir.path());
    session = tgtd->serve(1, volume, kInitiator);
  }

  Error error_of(const wire::SessionSpec& spec, Milliseconds limit = kLimit) {
    const auto serial = read_serial(kInitiator, spec, limit);
    return serial ? Error{} : serial.error();
  }

  test::TempDir dir;
  std::unique_ptr<test::TestTgtd> tgtd;
  wire::SessionSpec session;
  const Uuid volume = test_id(100);
};

TEST_F(IscsiLoginTest, ReadsTheSerialThroughTheLogin) {
  for (int again = 0; again < 3; ++again) {
    const auto serial = read_serial(kInitiator, session, kLimit);
    ASSERT_TRUE(serial) << serial.error().message;
    EXPECT_EQ(*serial, volume.str());
  }
}

TEST_F(IscsiLoginTest, TellsFailuresApart) {
  auto wrong = session;
  wrong.portal = test::free_portal();
  EXPECT_EQ(error_of(wrong).code, ErrorCode::node_unavailable);
  EXPECT_NE(error_of(wrong).message.find(wrong.portal), std::string::npos);

  wrong = session;
  wrong.chap_secret = Secret("not-the-secret");
  EXPECT_EQ(error_of(wrong).code, ErrorCode::forbidden);
  EXPECT_EQ(error_of(wrong).message.find("not-the-secret"), std::string::npos);
  wrong.chap_secret = session.chap_secret;
  wrong.chap_user = "somebody";
  EXPECT_EQ(error_of(wrong).code, ErrorCode::forbidden);

  wrong = session;
  wrong.iqn = "iqn.2026-01.vbs:other";
  EXPECT_EQ(error_of(wrong).code, ErrorCode::not_found);
  const auto stranger = read_serial("iqn.2026-01.vbs:stranger", session, kLimit);
  EXPECT_EQ(stranger.error().code, ErrorCode::not_found) << "not for this initiator";

  wrong = session;
  wrong.lun = 5;
  EXPECT_EQ(error_of(wrong).code, ErrorCode::not_found);
  EXPECT_NE(error_of(wrong).message.find("logical unit 5"), std::string::npos);
}

TEST_F(IscsiLoginTest, ASilentPortalIsGivenUp) {
  const test::SilentPortal silent;
  auto wrong = session;
  wrong.portal = silent.portal();
  EXPECT_EQ(error_of(wrong, Milliseconds(100)).code, ErrorCode::node_unavailable);
  EXPECT_EQ(probe_target(kInitiator, silent.portal(), session.iqn, Milliseconds(100)).error().code,
            ErrorCode::node_unavailable);
}

TEST_F(IscsiLoginTest, NamesAreNotLookedUp) {
  auto wrong = session;
  wrong.portal = "localhost:3260";
  EXPECT_EQ(error_of(wrong).field, "portal");
}

TEST_F(IscsiLoginTest, ProbesWithoutASecret) {
  EXPECT_TRUE(probe_target(kInitiator, tgtd->portal(), session.iqn, kLimit));
  EXPECT_EQ(probe_target(kInitiator, tgtd->portal(), "iqn.2026-01.vbs:x", kLimit).error().code,
            ErrorCode::node_unavailable);
  EXPECT_EQ(probe_target(kInitiator, test::free_portal(), session.iqn, kLimit).error().code,
            ErrorCode::node_unavailable);
}

TEST_F(IscsiLoginTest, AnotherVolumeIsNotLetThrough) {
  VmInitiator initiator(kInitiator, kLimit);
  const auto good = initiator.log_in(test_id(1), session);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->serial, volume.str());
  session.volume = test_id(101);
  const auto bad = initiator.log_in(test_id(1), session);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::conflict);
  EXPECT_NE(bad.error().message.find(volume.str()), std::string::npos);
}

}  // namespace
}  // namespace vbs::vmm_delegate
