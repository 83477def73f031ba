#include "volume_delegate/target/tgt/tgt_report.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "tests/unit/volume_delegate/recorded.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::recorded;

TEST(TgtReport, ReadsNoTargets) {
  const auto targets = parse_tgt_targets(recorded("tgt/1.0.85/targets-none.txt"));
  ASSERT_TRUE(targets);
  EXPECT_TRUE(targets->empty());
}

TEST(TgtReport, ReadsOneTarget) {
  const auto targets = parse_tgt_targets(recorded("tgt/1.0.85/targets-one.txt"));
  ASSERT_TRUE(targets) << targets.error().message;
  ASSERT_EQ(1u, targets->size());
  const TgtTarget& target = targets->front();
  EXPECT_EQ(7u, target.tid);
  EXPECT_EQ("iqn.2026-01.vbs:0190a1b2-0000-7000-8000-0000000000a1", target.iqn);
  EXPECT_EQ("ready", target.state);
  EXPECT_TRUE(target.sessions.empty());
  ASSERT_EQ(2u, target.luns.size());
  EXPECT_EQ("controller", target.luns[0].type);
  const TgtLun& unit = target.luns[1];
  EXPECT_EQ(1u, unit.lun);
  EXPECT_EQ("disk", unit.type);
  EXPECT_EQ("0190a1b2-0000-7000-8000-0000000000b1", unit.serial);
  EXPECT_TRUE(unit.online);
  EXPECT_FALSE(unit.read_only);
  EXPECT_TRUE(unit.thin);
  EXPECT_EQ("rdwr", unit.backing_type);
  EXPECT_EQ("/tmp/vbs-rec/a.img", unit.path);
  EXPECT_EQ(std::vector<std::string>{"u7"}, target.accounts);
  EXPECT_EQ(std::vector<std::string>{"iqn.2026-01.host:7"}, target.acl);
}

TEST(TgtReport, ReadsTargetsThatAskForSignsOfLife) {
  std::string text = recorded("tgt/1.0.85/targets-nop.txt");
  const auto targets = parse_tgt_targets(text);
  ASSERT_TRUE(targets) << targets.error().message;
  EXPECT_EQ(1u, targets->size());
  text.replace(text.find("count: 3"), 8, "count: x");
  EXPECT_TRUE(failed_with(parse_tgt_targets(text), ErrorCode::internal, "Nop count: x"));
}

TEST(TgtReport, ReadsSessionsReadOnlyAndForeignTargets) {
  const auto targets = parse_tgt_targets(recorded("tgt/1.0.85/targets-several.txt"));
  ASSERT_TRUE(targets) << targets.error().message;
  ASSERT_EQ(3u, targets->size());
  const TgtTarget& busy = (*targets)[0];
  ASSERT_EQ(2u, busy.sessions.size());
  EXPECT_EQ(2u, busy.sessions[1].sid);
  EXPECT_EQ("iqn.2026-01.host:7", busy.sessions[1].initiator);
  ASSERT_EQ(1u, busy.sessions[1].connections.size());
  EXPECT_EQ(0u, busy.sessions[1].connections[0].cid);
  EXPECT_EQ("127.0.0.1", busy.sessions[1].connections[0].address);

  EXPECT_TRUE((*targets)[1].luns[1].read_only);

  const TgtTarget& foreign = (*targets)[2];
  EXPECT_EQ("offline", foreign.state);
  EXPECT_EQ("null", foreign.luns[1].backing_type);
  EXPECT_EQ(std::vector<std::string>{"out1 (outgoing)"}, foreign.accounts);
  EXPECT_EQ((std::vector<std::string>{"192.0.2.0/24", "ALL"}), foreign.acl);
}

TEST(TgtReport, ReadsPortals) {
  const auto one = parse_tgt_portals(recorded("tgt/1.0.85/portals-one.txt"));
  ASSERT_TRUE(one);
  EXPECT_EQ(std::vector<std::string>{"127.0.0.1:23260"}, *one);
  const auto several = parse_tgt_portals(recorded("tgt/1.0.85/portals-several.txt"));
  ASSERT_TRUE(several);
  EXPECT_EQ((std::vector<std::string>{"[::1]:23262", "127.0.0.1:23263", "127.0.0.1:23260"}),
            *several);
}

class BadReport : public ::testing::TestWithParam<const char*> {};

TEST_P(BadReport, IsRefused) {
  EXPECT_TRUE(failed_with(parse_tgt_targets(GetParam()), ErrorCode::internal, "not understood"));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadReport,
    ::testing::Values(
        "Target x: iqn.a", "Target 1 iqn.a", "    System information:\n",
        "Target 1: iqn.a\n        Driver: iscsi\n", "Target 1: iqn.a\n    Nonsense:\n",
        "Target 1: iqn.a\n   System information:\n",
        "Target 1: iqn.a\n    System information:\n        Driver: iser\n",
        "Target 1: iqn.a\n    LUN information:\n            Type: disk\n",
        "Target 1: iqn.a\n    LUN information:\n        LUN: one\n",
        "Target 1: iqn.a\n    LUN information:\n        LUN: 1\n            Online: Maybe\n",
        "Target 1: iqn.a\n    LUN information:\n        LUN: 1\n            Colour: red\n",
        "Target 1: iqn.a\n    I_T nexus information:\n            Connection: 0\n",
        "Target 1: iqn.a\n    I_T nexus information:\n        I_T nexus: 1\n"
        "                IP Address: 127.0.0.1\n",
        "Target 1: iqn.a\n    ACL information:\n            deeper\n",
        "Target 99999999999: iqn.a\n"));

TEST(TgtReport, RefusesBadPortals) {
  EXPECT_TRUE(failed_with(parse_tgt_portals("Portal: 127.0.0.1:23260\n"), ErrorCode::internal));
  EXPECT_TRUE(failed_with(parse_tgt_portals("127.0.0.1:23260,1\n"), ErrorCode::internal));
}

// Every report cut off anywhere is either refused or read as fewer things, never misread.
TEST(TgtReport, SurvivesEveryTruncation) {
  const std::string whole = recorded("tgt/1.0.85/targets-several.txt");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto targets = parse_tgt_targets(std::string_view(whole).substr(0, size));
    if (!targets) continue;
    ASSERT_LE(targets->size(), 3u);
    for (const auto& target : *targets) ASSERT_LE(target.acl.size(), 2u);
  }
}

}  // namespace
}  // namespace vbs::volume_delegate
