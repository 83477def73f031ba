#include <filesystem>
#include <fstream>

#include "tests/conformance/initiator/fixture.h"

namespace vbs::conformance {
namespace {

constexpr const char* kNoSessions = "where VMs log in themselves, nothing of a login stays";

/// The node record of the attachment; "" when there is none.
std::string record_path(unsigned number) {
  std::error_code error;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator("/etc/iscsi/nodes", error)) {
    if (entry.is_regular_file() &&
        entry.path().string().find(test_id(number).str()) != std::string::npos) {
      return entry.path().string();
    }
  }
  return "";
}

TEST_F(InitiatorConformance, ListsTheSessionsThatAreThere) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  auto spec = serve(1);
  spec.generation = 7;
  const auto made = log_in(1, spec);
  ASSERT_TRUE(made) << made.error().message;
  reopen();
  const auto all = initiator_->sessions();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().attachment, test_id(1));
  EXPECT_EQ(all->front().serial, spec.volume.str());
  EXPECT_EQ(all->front().path, made->path);
  EXPECT_EQ(all->front().generation, 7);
  EXPECT_EQ(all->front().size_bytes, 8U << 20);
}

TEST_F(InitiatorConformance, KilledBeforeTheLoginItLogsInAgain) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  const auto spec = serve(1);
  die_during("log-in", 1, spec, "vmmd.log-in.after-record");
  const auto status = log_in(1, spec);
  EXPECT_TRUE(status) << status.error().message;
}

TEST_F(InitiatorConformance, KilledAfterTheLoginItTakesTheSessionOver) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  const auto spec = serve(1);
  die_during("log-in", 1, spec, "vmmd.log-in.after-session");
  const auto status = log_in(1, spec);
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(initiator_->sessions()->size(), 1U);
}

TEST_F(InitiatorConformance, KilledAfterTheLoginItCanBeLoggedOut) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  die_during("log-in", 1, serve(1), "vmmd.log-in.after-session");
  reopen();
  ASSERT_EQ(initiator_->sessions()->size(), 1U);
  const auto done = log_out(1);
  EXPECT_TRUE(done) << done.error().message;
  expect_nothing(1);
}

TEST_F(InitiatorConformance, KilledInTheLogoutItLogsOutAgain) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  const auto spec = serve(1);
  for (const char* point : {"vmmd.log-out.after-device", "vmmd.log-out.before-record"}) {
    ASSERT_TRUE(log_in(1, spec));
    die_during("log-out", 1, spec, point);
    const auto done = log_out(1);
    EXPECT_TRUE(done) << point << ": " << done.error().message;
    expect_nothing(1);
  }
}

TEST_F(InitiatorConformance, ALostDiskComesBackWithTheNextLogin) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  const auto spec = serve(1);
  ASSERT_TRUE(log_in(1, spec));
  die_during("log-out", 1, spec, "vmmd.log-out.after-device");
  const auto status = log_in(1, spec);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(std::filesystem::is_block_file(status->path));
}

TEST_F(InitiatorConformance, WhatARecordTellsOfIsBroughtBackAtTheStart) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  const auto spec = serve(1);
  die_during("log-in", 1, spec, "vmmd.log-in.after-record");
  ASSERT_NE(record_path(1), "");
  reopen();
  const auto all = initiator_->sessions();
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().serial, spec.volume.str());
  EXPECT_TRUE(std::filesystem::is_block_file(all->front().path));
}

TEST_F(InitiatorConformance, RecordsThatAreDamagedOrRefusedAreSweptAtTheStart) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  die_during("log-in", 1, serve(1), "vmmd.log-in.after-record");
  std::ofstream(record_path(1)) << "";
  auto revoked = serve(2);
  revoked.chap_secret = Secret("another-secret1");
  die_during("log-in", 2, revoked, "vmmd.log-in.after-record");
  ASSERT_NE(record_path(2), "");
  reopen();
  EXPECT_EQ(record_path(1), "");
  EXPECT_EQ(record_path(2), "");
  EXPECT_TRUE(initiator_->sessions()->empty());
}

TEST_F(InitiatorConformance, ASessionWithoutARecordIsSweptAtTheStart) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  ASSERT_TRUE(log_in(1, serve(1)));
  std::filesystem::remove(record_path(1));
  // What a slow host did not manage in one start is swept in the next.
  for (int start = 0; start < 3 && !initiator_->sessions()->empty(); ++start) reopen();
  EXPECT_THAT(*initiator_->sessions(), ::testing::IsEmpty());
}

TEST_F(InitiatorConformance, ASessionWithoutARecordThatIsUsedIsKept) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  const auto spec = serve(1);
  const auto status = log_in(1, spec);
  ASSERT_TRUE(status) << status.error().message;
  std::filesystem::remove(record_path(1));
  const test::Child user({"/bin/sleep", "60"}, {}, status->path);
  reopen();
  EXPECT_EQ(initiator_->sessions()->size(), 1U);
  const auto again = log_in(1, spec);
  EXPECT_TRUE(again) << again.error().message;
  EXPECT_NE(record_path(1), "") << "the next login writes the record anew";
}

TEST_F(InitiatorConformance, AnEmptyOrOtherRecordIsRepaired) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  const auto spec = serve(1);
  for (const char* text : {"", "node.name = iqn.2026-01.vbs:other\nnode.tpgt = 1\n"}) {
    die_during("log-in", 1, spec, "vmmd.log-in.after-record");
    std::ofstream(record_path(1)) << text;
    const auto status = log_in(1, spec);
    EXPECT_TRUE(status) << status.error().message;
    ASSERT_TRUE(log_out(1));
  }
}

TEST_F(InitiatorConformance, WhatIsNotItsOwnIsNeverTouched) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  // Somebody's own target, and one with the name of an attachment that somebody else logged in to.
  const std::string iqn = "iqn.2003-01.org.example:" + test_id(5).str();
  const auto foreign = targets_->serve_foreign(iqn);
  const std::string iscsiadm = "/sbin/iscsiadm";
  const std::vector<std::string> node{
      iscsiadm, "-m", "node", "-T", iqn, "-p", foreign.portal + ",1"};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> argv = node;
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  };
  const std::string name = test::slurp("/etc/iscsi/initiatorname.iscsi");
  std::ofstream("/etc/iscsi/ifaces/example")
      << "iface.iscsi_ifacename = example\niface.transport_name = tcp\n"
         "iface.initiatorname = iqn.2026-01.org.example:admin\n";
  told_by(with({"-I", "example", "-o", "new"}));
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"node.session.auth.authmethod", "CHAP"},
           {"node.session.auth.username", foreign.chap_user},
           {"node.session.auth.password", foreign.chap_secret.reveal()}}) {
    told_by(with({"-I", "example", "-o", "update", "-n", key, "-v", value}));
  }
  ASSERT_NE(told_by(with({"-I", "example", "--login"})), "");
  reopen();
  EXPECT_THAT(*initiator_->sessions(), ::testing::IsEmpty());
  EXPECT_TRUE(log_out(5));
  EXPECT_NE(told_by({iscsiadm, "-m", "session"}).find(iqn), std::string::npos);
  EXPECT_NE(record_path(5), "");
  EXPECT_NE(told_by(with({"-I", "example", "--logout"})), "");
  told_by(with({"-I", "example", "-o", "delete"}));
  std::filesystem::remove("/etc/iscsi/ifaces/example");
}

TEST_F(InitiatorConformance, ATargetThatWasRestartedIsUsedOnTheSameDisk) {
  const auto spec = serve(1);
  const auto first = log_in(1, spec);
  ASSERT_TRUE(first) << first.error().message;
  targets_->kill();
  targets_->start();
  const auto status = log_in(1, spec);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->path, first->path);
}

TEST_F(InitiatorConformance, ADiskInUseOutlivesARestartOfItsTarget) {
  if (!of_host()) GTEST_SKIP() << kNoSessions;
  const auto spec = serve(1);
  const auto first = log_in(1, spec);
  ASSERT_TRUE(first) << first.error().message;
  const auto link = std::filesystem::read_symlink(first->path);
  {
    const test::Child user({"/bin/sleep", "60"}, {}, first->path);
    targets_->kill();
    EXPECT_EQ(refusal(1, spec).code, ErrorCode::node_unavailable);
    targets_->start();
    const auto status = log_in(1, spec);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(std::filesystem::read_symlink(status->path), link) << "it is the very disk";
  }
}

TEST_F(InitiatorConformance, WithDiscoveryOnlyWhatThePortalTellsOfIsLoggedInTo) {
  if (!of_host()) GTEST_SKIP() << "VMs never ask a portal for its targets";
  auto settings = InitiatorConformance::settings();
  settings.discovery = true;
  reopen(settings);
  auto spec = serve(1);
  const auto status = log_in(1, spec);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(names_with("/etc/iscsi/nodes", "iqn").size(), 1U) << "no record for what else it tells";
  spec.iqn = "iqn.2026-01.vbs:" + test_id(2).str();
  const Error error = refusal(2, spec);
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_NE(error.message.find("does not tell of"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace vbs::conformance
