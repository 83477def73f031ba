#include "vmm_delegate/initiator/iscsi_names.h"

#include <gtest/gtest.h>

#include <sstream>

#include "common/file.h"
#include "tests/unit/vmm_delegate/support.h"
#include "vmm_delegate/initiator/iscsiadm.h"
#include "vmm_delegate/initiator/node_record.h"
#include "vmm_delegate/initiator/scsi_serial.h"

namespace vbs::vmm_delegate {
namespace {

using test::test_id;

std::string recorded(const std::string& name) {
  const auto text =
      read_file(std::string(VBS_SOURCE_DIR) + "/tests/recorded/open-iscsi/2.1.8/" + name);
  EXPECT_TRUE(text) << name;
  return text ? *text : "";
}

TEST(IscsiNames, SplitsPortals) {
  const auto v4 = split_portal("192.0.2.7:3260");
  ASSERT_TRUE(v4);
  EXPECT_EQ(*v4, (PortalAddress{"192.0.2.7", "3260"}));
  const auto v6 = split_portal("[2001:db8::7]:3260");
  ASSERT_TRUE(v6);
  EXPECT_EQ(*v6, (PortalAddress{"2001:db8::7", "3260"}));
  EXPECT_EQ(joined_portal(*v4), "192.0.2.7:3260");
  EXPECT_EQ(joined_portal(*v6), "[2001:db8::7]:3260");
  for (const char* bad : {"", "192.0.2.7", "storage:3260", ":3260", "192.0.2.7:"}) {
    EXPECT_FALSE(split_portal(bad)) << bad;
  }
  EXPECT_FALSE(split_portal(std::string_view("192.0.2.7\0x:3260", 16)));
}

TEST(IscsiNames, KnowsTheTargetsOfAttachments) {
  EXPECT_EQ(attachment_of("iqn.2026-01.vbs:" + test_id(1).str()), test_id(1));
  EXPECT_EQ(attachment_of("iqn.2003-01.org.example:x:" + test_id(1).str()), test_id(1));
  for (const char* other :
       {"iqn.2026-01.vbs:disk", "iqn.2026-01.vbs", "", "eui.0123456789abcdef"}) {
    EXPECT_FALSE(attachment_of(other)) << other;
  }
}

TEST(IscsiNames, CallsLinksAsUdevDoes) {
  EXPECT_EQ(by_path_name({"10.9.0.1", "3260"}, "iqn.2026-01.vbs:a", 1),
            "ip-10.9.0.1:3260-iscsi-iqn.2026-01.vbs:a-lun-1");
  EXPECT_EQ(by_path_name({"2001:db8::7", "3260"}, "iqn.2026-01.vbs:a", 0),
            "ip-2001:db8::7:3260-iscsi-iqn.2026-01.vbs:a-lun-0");
}

TEST(IscsiNames, ReadsSuchLinks) {
  const auto link = parse_by_path("/dev/disk/by-path/ip-2001:db8::7:3260-iscsi-iqn.x:a-lun-1");
  ASSERT_TRUE(link);
  EXPECT_EQ(link->portal, (PortalAddress{"2001:db8::7", "3260"}));
  EXPECT_EQ(link->target, "iqn.x:a");
  EXPECT_EQ(link->lun, 1U);
  for (const char* other :
       {"ip-iscsi-a:b-lun-1", "ip-192.0.2.7:3260-iscsi-lun-1", "ip-x-iscsi-a-lun-1", "pci-0"}) {
    EXPECT_FALSE(parse_by_path(std::string("/dev/disk/by-path/") + other)) << other;
  }
}

TEST(IscsiNames, ReadsSerialPages) {
  const std::string page("\0\x80\0\x08 ab cd \0", 12);
  EXPECT_EQ(serial_of_page(page), "ab cd");
  EXPECT_EQ(serial_of_page(std::string("\0\x83\0\x02xy", 6)), "") << "another page";
  EXPECT_EQ(serial_of_page(std::string("\0\x80\0\x02   ", 6)), "");
  EXPECT_EQ(serial_of_page(std::string("\0\x80", 2)), "");
  EXPECT_EQ(serial_of_page(recorded("vpd_pg80.bin")), "0199f000-0000-7000-8000-000000000100");
}

TEST(IscsiNames, ReadsThatATargetHasNoSuchUnit) {
  EXPECT_TRUE(tells_no_unit(std::string("\x7f\x80\0\0", 4)));
  EXPECT_FALSE(tells_no_unit(std::string("\0\x80\0\0", 4)));
  EXPECT_FALSE(tells_no_unit(std::string("\x20\x80\0\0", 4))) << "it could have one";
  EXPECT_FALSE(tells_no_unit(""));
  const std::string fixed("\x70\0\x05\0\0\0\0\x0a\0\0\0\0\x25\0\0\0\0\0", 18);
  EXPECT_TRUE(is_sense_of_no_unit(fixed));
  EXPECT_TRUE(is_sense_of_no_unit(std::string("\xf2\x05\x25\0\0\0\0\0", 8)));
  std::string not_ready = fixed;
  not_ready[2] = 2;
  EXPECT_FALSE(is_sense_of_no_unit(not_ready));
  std::string other_code = fixed;
  other_code[12] = 0x24;
  EXPECT_FALSE(is_sense_of_no_unit(other_code));
  EXPECT_FALSE(is_sense_of_no_unit(fixed.substr(0, 12))) << "cut";
  EXPECT_FALSE(is_sense_of_no_unit(std::string("\0\x05\x25", 3))) << "no sense data";
  EXPECT_FALSE(is_sense_of_no_unit(""));
}

TEST(IscsiNames, ReadsDiscoveries) {
  const auto targets = parse_discovery(recorded("discovery.txt"));
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].portal, (PortalAddress{"10.9.0.1", "3260"}));
  EXPECT_EQ(targets[0].portal_group, 1U);
  EXPECT_EQ(targets[0].iqn, "iqn.2026-01.vbs:0199f000-0000-7000-8000-000000000001");
  EXPECT_EQ(targets[1].iqn, "iqn.2026-01.vbs:0199f000-0000-7000-8000-000000000002");
  EXPECT_TRUE(parse_discovery("").empty());
  EXPECT_TRUE(parse_discovery("iscsiadm: No portals found\n10.9.0.1:3260, iqn.x\n,1 a\n").empty());
  const auto v6 = parse_discovery("[2001:db8::7]:3260,2 iqn.2026-01.vbs:a\n");
  ASSERT_EQ(v6.size(), 1U);
  EXPECT_EQ(v6[0].portal.address, "2001:db8::7");
}

TEST(IscsiNames, ARecordTellsWhatItLogsInWith) {
  const test::TempDir dir;
  NodeRecords records(dir.path(), {"vbs-hv1", "iqn.2026-01.vbs:node-hv1"});
  wire::SessionSpec spec = test::device_spec("", test_id(100), 7).session;
  spec.iqn = "iqn.2026-01.vbs:" + test_id(1).str();
  spec.lun = 3;
  spec.chap_secret = Secret("#\"a'b=c = \\d$e`f");
  spec.portal = "[2001:db8::7]:3260";
  ASSERT_TRUE(records.write(spec, {"2001:db8::7", "3260"}, 1));
  const auto told = records.session(test_id(1));
  ASSERT_TRUE(told && *told);
  EXPECT_EQ((*told)->volume, spec.volume);
  EXPECT_EQ((*told)->portal, spec.portal);
  EXPECT_EQ((*told)->iqn, spec.iqn);
  EXPECT_EQ((*told)->lun, 3U);
  EXPECT_EQ((*told)->chap_user, spec.chap_user);
  EXPECT_TRUE((*told)->chap_secret == spec.chap_secret);
  EXPECT_EQ((*told)->generation, 7);
  const auto none = records.session(test_id(2));
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

/// What iscsiadm makes of a record that is written here: its values stand in what it shows.
TEST(IscsiNames, RecordsAreReadByIscsiadmAsTheyAreMeant) {
  wire::SessionSpec spec = test::device_spec("", test_id(100), 7).session;
  spec.iqn = "iqn.2026-01.vbs:0199f000-0000-7000-8000-000000000001";
  spec.chap_user = "u:-._1";
  spec.chap_secret = Secret("#\"a'b=c\\d$e`f|g;h!i%j~k{}[]()<>?*&^@+/");
  const RecordCommon common{"vbs-hv1", "iqn.2026-01.vbs:node-hv1", Milliseconds(5'000),
                            Milliseconds(20'000)};
  const std::string text = node_record_text(common, spec, {"10.9.0.1", "3260"}, 1);
  EXPECT_EQ(text, recorded("node-written.txt"));
  const std::string shown = recorded("node-shown.txt");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    EXPECT_NE(shown.find(line + "\n"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace vbs::vmm_delegate
