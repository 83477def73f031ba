#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "tests/conformance/initiator/fixture.h"

namespace vbs::conformance {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// More than any driver gives one call.
constexpr auto kLongestCall = 20s;

TEST_F(InitiatorConformance, LogsInAndProvesTheSerial) {
  const auto spec = serve(1);
  const auto status = log_in(1, spec);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->attachment, test_id(1));
  EXPECT_EQ(status->serial, spec.volume.str());
  EXPECT_EQ(status->generation, spec.generation);
  if (!of_host()) {
    EXPECT_EQ(status->path, "");
    return;
  }
  EXPECT_EQ(status->path, "/dev/disk/by-path/ip-" + spec.portal + "-iscsi-" + spec.iqn + "-lun-1");
  EXPECT_TRUE(std::filesystem::is_block_file(status->path));
  EXPECT_EQ(status->size_bytes, 8U << 20);
}

TEST_F(InitiatorConformance, LoggingInAgainIsHarmless) {
  const auto spec = serve(1);
  const auto first = log_in(1, spec);
  ASSERT_TRUE(first) << first.error().message;
  const auto again = log_in(1, spec);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->path, first->path);
  EXPECT_EQ(initiator_->sessions()->size(), of_host() ? 1U : 0U);
}

TEST_F(InitiatorConformance, TwoAtOnceMakeOneSession) {
  const auto spec = serve(1);
  std::vector<std::thread> threads;
  std::vector<std::string> troubles(3);
  for (std::string& trouble : troubles) {
    threads.emplace_back([&] {
      const auto status = patiently([&] { return initiator_->log_in(test_id(1), spec); });
      if (!status) trouble = status.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(troubles, ::testing::Each("")) << "one waits for the other";
  EXPECT_EQ(initiator_->sessions()->size(), of_host() ? 1U : 0U);
}

TEST_F(InitiatorConformance, AttachmentsDoNotMixUp) {
  std::vector<wire::SessionSpec> specs{serve(1), serve(2), serve(3)};
  std::vector<Result<wire::SessionStatus>> statuses(3, wire::SessionStatus{});
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      statuses[i] = patiently([&] { return initiator_->log_in(test_id(i + 1), specs[i]); });
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (unsigned i = 0; i < 3; ++i) {
    ASSERT_TRUE(statuses[i]) << statuses[i].error().message;
    EXPECT_EQ(statuses[i]->serial, specs[i].volume.str());
    if (of_host()) {
      EXPECT_NE(statuses[i]->path.find(test_id(i + 1).str()), std::string::npos);
    }
  }
}

TEST_F(InitiatorConformance, AWrongSecretIsForbidden) {
  auto spec = serve(1);
  spec.chap_secret = Secret("notthesecret1");
  const Error error = refusal(1, spec);
  EXPECT_EQ(error.code, ErrorCode::forbidden) << error.message;
  EXPECT_EQ(error.message.find("notthesecret1"), std::string::npos);
  expect_nothing(1);
}

TEST_F(InitiatorConformance, ATargetThatIsNotThereIsNotFound) {
  auto spec = serve(1);
  spec.iqn = "iqn.2026-01.vbs:" + test_id(2).str();
  EXPECT_EQ(refusal(2, spec).code, ErrorCode::not_found) << refusal(2, spec).message;
  expect_nothing(2);
}

TEST_F(InitiatorConformance, ATargetForAnotherNodeIsNotFound) {
  const auto spec = targets_->serve_stranger(test_id(2), test_id(102));
  EXPECT_EQ(refusal(2, spec).code, ErrorCode::not_found) << refusal(2, spec).message;
  expect_nothing(2);
}

TEST_F(InitiatorConformance, AMissingLogicalUnitIsNotFound) {
  auto spec = serve(1);
  spec.lun = 5;
  const Error error = refusal(1, spec);
  EXPECT_EQ(error.code, ErrorCode::not_found) << error.message;
  EXPECT_NE(error.message.find("logical unit 5"), std::string::npos) << error.message;
  expect_nothing(1);
}

TEST_F(InitiatorConformance, AnotherVolumeIsRefused) {
  auto spec = serve(1);
  spec.volume = test_id(777);
  const Error error = refusal(1, spec);
  EXPECT_EQ(error.code, ErrorCode::conflict) << error.message;
  EXPECT_NE(error.message.find(test_id(777).str()), std::string::npos) << error.message;
  expect_nothing(1);
}

TEST_F(InitiatorConformance, AVolumeThatWasExchangedIsRefused) {
  const auto spec = serve(1);
  ASSERT_TRUE(log_in(1, spec));
  targets_->swap_volume(spec, test_id(777));
  const Error error = refusal(1, spec);
  EXPECT_EQ(error.code, ErrorCode::conflict) << "the serial is asked of the target each time";
}

TEST_F(InitiatorConformance, ADeadPortalIsToldInTime) {
  auto spec = serve(1);
  spec.portal = test::free_portal();
  for (int again = 0; again < 2; ++again) {
    const auto start = steady_clock::now();
    const Error error = refusal(1, spec);
    EXPECT_EQ(error.code, ErrorCode::node_unavailable) << error.message;
    EXPECT_NE(error.message.find(spec.portal), std::string::npos) << error.message;
    EXPECT_LT(steady_clock::now() - start, kLongestCall);
    expect_nothing(1);
  }
}

TEST_F(InitiatorConformance, ASilentPortalIsGivenUp) {
  const test::SilentPortal silent;
  auto spec = serve(1);
  spec.portal = silent.portal();
  const auto start = steady_clock::now();
  const Error error = refusal(1, spec);
  EXPECT_EQ(error.code, ErrorCode::node_unavailable) << error.message;
  EXPECT_LT(steady_clock::now() - start, kLongestCall);
}

TEST_F(InitiatorConformance, APortalThatComesBackIsUsedAtOnce) {
  const auto spec = serve(1);
  targets_->kill();
  EXPECT_EQ(refusal(1, spec).code, ErrorCode::node_unavailable);
  targets_->start();
  const auto status = log_in(1, spec);
  EXPECT_TRUE(status) << status.error().message;
}

TEST_F(InitiatorConformance, APortalsNameIsNotLookedUp) {
  auto spec = serve(1);
  spec.portal = "localhost:" + spec.portal.substr(spec.portal.rfind(':') + 1);
  EXPECT_EQ(refusal(1, spec).field, "portal");
}

TEST_F(InitiatorConformance, AReadOnlyExportIsShownAsSuch) {
  const auto spec = serve(1);
  targets_->make_read_only(spec);
  const auto status = log_in(1, spec);
  ASSERT_TRUE(status) << status.error().message;
  if (!of_host()) return;
  const FileDescriptor disk(::open(status->path.c_str(), O_RDONLY | O_CLOEXEC));
  int read_only = 0;
  ASSERT_EQ(::ioctl(disk.get(), BLKROGET, &read_only), 0);
  EXPECT_EQ(read_only, 1);
}

TEST_F(InitiatorConformance, ANewSizeIsSeen) {
  const auto spec = serve(1);
  ASSERT_TRUE(log_in(1, spec));
  targets_->grow(spec, 12 << 20);
  for (int again = 0; again < 2; ++again) {
    const auto status = patiently([&] { return initiator_->refresh_size(test_id(1), spec); });
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(status->serial, spec.volume.str());
    if (of_host()) {
      EXPECT_EQ(status->size_bytes, 12U << 20);
    }
  }
}

TEST_F(InitiatorConformance, TheSizeOfASessionThatIsNotThereIsNotFound) {
  if (!of_host()) GTEST_SKIP() << "where VMs log in themselves, no session is known";
  const auto status = initiator_->refresh_size(test_id(1), serve(1));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace vbs::conformance
