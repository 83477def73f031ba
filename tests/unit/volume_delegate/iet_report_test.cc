#include "volume_delegate/target/iet/iet_report.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "tests/unit/volume_delegate/recorded.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::recorded;
using testing::trouble;

TEST(IetVolumes, AreReadAsUpTo1419) {
  const auto targets = parse_iet_volumes(recorded("iet/1.4.19/volume"));
  ASSERT_EQ("", trouble(targets));
  ASSERT_EQ(2u, targets->size());
  const IetTarget& second = (*targets)[0];
  EXPECT_EQ(2u, second.tid);
  EXPECT_EQ("iqn.2026-01.vbs:0190a1b2-0000-7000-8000-000000000002", second.iqn);
  ASSERT_EQ(1u, second.units.size());
  EXPECT_EQ("/srv/vbs/volumes/a b.img", second.units[0].path);
  EXPECT_EQ("ro", second.units[0].io_mode);
  EXPECT_EQ(0u, second.units[0].size_bytes);
  ASSERT_EQ(2u, (*targets)[1].units.size());
  EXPECT_EQ("blockio", (*targets)[1].units[0].io_type);
  EXPECT_TRUE((*targets)[1].units[0].running);
  EXPECT_FALSE((*targets)[1].units[1].running);
  EXPECT_EQ("", (*targets)[1].units[1].path);
}

TEST(IetVolumes, AreReadAsOf1420) {
  const auto targets = parse_iet_volumes(recorded("iet/1.4.20/volume"));
  ASSERT_EQ("", trouble(targets));
  ASSERT_EQ(1u, targets->size());
  ASSERT_EQ(1u, targets->front().units.size());
  EXPECT_EQ("/dev/vg/v1", targets->front().units[0].path);
  EXPECT_EQ(31457280ull * 512, targets->front().units[0].size_bytes);
}

TEST(IetSessions, AreReadWithTheirConnections) {
  const auto sessions = parse_iet_sessions(recorded("iet/1.4.19/session"));
  ASSERT_EQ("", trouble(sessions));
  ASSERT_EQ(2u, sessions->size());
  EXPECT_EQ(1u, (*sessions)[0].tid);
  EXPECT_EQ(282574492336640u, (*sessions)[0].sid);
  EXPECT_EQ("iqn.2026-01.host:1", (*sessions)[0].initiator);
  ASSERT_EQ(1u, (*sessions)[0].connections.size());
  EXPECT_EQ("10.9.0.2", (*sessions)[0].connections[0].address);
  EXPECT_EQ("fe80:0000:0000:0000:0000:0000:0000:0001", (*sessions)[1].connections[0].address);
  EXPECT_TRUE(parse_iet_sessions(recorded("iet/1.4.20/session"))->empty());
}

TEST(IetReports, AreEmptyWithoutTargets) {
  EXPECT_TRUE(parse_iet_volumes("")->empty());
  EXPECT_TRUE(parse_iet_sessions("")->empty());
}

// A session or a rule that is overlooked is worse than an error.
TEST(IetReports, AreNotGuessed) {
  for (const char* text :
       {"tid:x name:iqn.a\n", "tid:1\n", "\tlun:1 state:0 iotype:fileio iomode:wt path:/a\n",
        "tid:1 name:iqn.a\n\tlun:1 state:0 iotype:fileio\n", "tid:1 name:iqn.a\n\tsomething\n",
        "tid:1 name:iqn.a\n\t\tlun:1 state:0 iotype:fileio iomode:wt path:/a\n",
        "tid:1 name:iqn.a\n\tlun:1 state:0 iotype:blockio iomode:wt blocks:5 path:/a\n"}) {
    EXPECT_TRUE(failed_with(parse_iet_volumes(text), ErrorCode::internal, "not understood"))
        << text;
  }
  for (const char* text : {"tid:1 name:iqn.a\n\tsid:1\n", "\tsid:1 initiator:iqn.b\n",
                           "tid:1 name:iqn.a\n\t\tcid:0 ip:::1 state:active hd:none dd:none\n",
                           "tid:1 name:iqn.a\n\tsid:1 initiator:iqn.b\n\t\tcid:0 state:active\n"}) {
    EXPECT_TRUE(failed_with(parse_iet_sessions(text), ErrorCode::internal, "not understood"))
        << text;
  }
}

TEST(IetVersion, IsComparable) {
  EXPECT_EQ(10419u, parse_iet_version("ietadm version 1.4.19\n").value_or(0));
  EXPECT_EQ(416u, parse_iet_version("ietadm version 0.4.16\n").value_or(0));
  EXPECT_EQ(10420u, parse_iet_version("ietadm version 1.4.20.3\n").value_or(0));
  for (const char* text : {"", "ietadm version ", "ietadm version 1.4", "ietadm version 1.x.3"}) {
    EXPECT_FALSE(parse_iet_version(text)) << text;
  }
}

}  // namespace
}  // namespace vbs::volume_delegate
