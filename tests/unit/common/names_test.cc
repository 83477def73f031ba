#include "common/names.h"

#include <gmock/gmock.h>

#include <vector>

namespace vbs {
namespace {

using testing::HasSubstr;
using Texts = std::vector<std::string>;

// Every refusal names the field, says what is expected and shows only the start of the input.
template <class Outcome>
void expect_refused(const Outcome& outcome, const std::string& input) {
  ASSERT_FALSE(outcome) << quote(input);
  EXPECT_EQ(outcome.error().code, ErrorCode::invalid_field);
  EXPECT_EQ(outcome.error().field, "f");
  EXPECT_THAT(outcome.error().message, HasSubstr("must be "));
  EXPECT_TRUE(is_printable_utf8(outcome.error().message));
  EXPECT_LT(outcome.error().message.size(), 300U);
}

TEST(Names, ResourceNames) {
  for (const std::string& good :
       Texts{"a", "my volume", "gr\xC3\xBC\xC3\x9F", "...", ".hidden", "-x", "$(reboot)", "a\\b",
             "\xF0\x9F\x92\xBE", std::string(128, 'x'), "017f22e2-79b0-7cc3-98c4-dc0c0c07398"}) {
    EXPECT_TRUE(check_resource_name(good, "f")) << good;
  }
  for (const std::string& bad : Texts{"",
                                      "/",
                                      "a/b",
                                      ".",
                                      "..",
                                      "a\nb",
                                      "a\tb",
                                      " a",
                                      "a ",
                                      " ",
                                      std::string(129, 'x'),
                                      std::string(300, 'x'),
                                      std::string("a\0b", 3),
                                      "\x7F",
                                      "\xC0\xAF",
                                      "\xFF",
                                      "a\xC3",
                                      "\xED\xA0\x80",
                                      "\xC2\x85",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
                                      "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"}) {
    expect_refused(check_resource_name(bad, "f"), bad);
  }
}

TEST(Names, NodeNames) {
  for (const std::string& good : Texts{"a", "vs1", "VM-3.lab_x", "0", std::string(63, 'n')}) {
    EXPECT_TRUE(check_node_name(good, "f")) << good;
  }
  for (const std::string& bad : Texts{"", ".", "..", "-a", "_a", ".a", "a b", "a/b", "a\n", "a:b",
                                      "gr\xC3\xBC", std::string(64, 'n'), std::string("a\0", 2)}) {
    expect_refused(check_node_name(bad, "f"), bad);
  }
}

TEST(Names, DeviceNames) {
  const std::vector<std::pair<std::string, std::string>> good{
      {"/dev/sdb", "/dev/sdb"},   {"sdb", "/dev/sdb"},        {"/dev/sdz", "/dev/sdz"},
      {"/dev/sdaa", "/dev/sdaa"}, {"/dev/sdzz", "/dev/sdzz"}, {"/dev/vdb", "/dev/vdb"},
      {"xvdc", "/dev/xvdc"},      {"/dev/sdba", "/dev/sdba"}};
  for (const auto& [name, canonical] : good) {
    const auto checked = check_device_name(name, "f");
    ASSERT_TRUE(checked) << name;
    EXPECT_EQ(*checked, canonical);
  }
  for (const std::string& bad :
       Texts{"",          "/dev/",       "/dev/sd",      "/dev/sda",     "sda",
             "/dev/vda",  "/dev/xvda",   "/dev/sdb1",    "/dev/sdB",     "/dev/sdabc",
             "/dev//sdb", "/dev/../sdb", "/dev/hdb",     "/dev/nvme0n1", "dev/sdb",
             "/dev/sdb ", "/dev/sdb\n",  "/dev/dev/sdb", "/tmp/sdb",     "/dev/svdb"}) {
    expect_refused(check_device_name(bad, "f"), bad);
  }
}

TEST(Names, IscsiNames) {
  for (const std::string& good : Texts{"iqn.2026-03.org.example:vm1", "iqn.2026-03.org.example",
                                       "iqn.1993-08.org.debian:01:a", "eui.02004567a425678d",
                                       "iqn.2026-12.x:" + std::string(209, 'a')}) {
    EXPECT_TRUE(check_iscsi_name(good, "f")) << good;
  }
  for (const std::string& bad : Texts{"",
                                      "iqn.",
                                      "iqn.2026-03",
                                      "iqn.2026-03.",
                                      "iqn.2026-13.org.example",
                                      "iqn.2026-00.x",
                                      "iqn.26-03.org.example:x",
                                      "iqn.2026-03:x",
                                      "iqn.2026-03.:x",
                                      "iqn.2026-03.org:",
                                      "iqn.2026-03.org.Example:vm1",
                                      "iqn.2026-03.org.example:vm 1",
                                      "iqn.2026-03.org.example:vm1\n",
                                      "iqn.2026-03.org.example:a,b",
                                      "IQN.2026-03.org:x",
                                      "iqn.2026-03.org_x:a",
                                      "eui.02004567A425678D",
                                      "eui.02004567a425678",
                                      "eui.02004567a425678d0",
                                      "naa.52004567ba64678d",
                                      "iqn.2026-03.org:gr\xC3\xBC",
                                      "iqn.2026-12.x:" + std::string(210, 'a')}) {
    expect_refused(check_iscsi_name(bad, "f"), bad);
  }
}

TEST(Names, Portals) {
  for (const std::string& good :
       Texts{"127.0.0.1:3260", "[::1]:3260", "[2001:db8::7]:1", "storage-1.example.org:65535"}) {
    EXPECT_TRUE(check_portal(good, "f")) << good;
  }
  for (const std::string& bad : Texts{"",
                                      ":",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      ":3260",
                                      "127.0.0.1:0",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:+1",
                                      "127.0.0.1:3260,1",
                                      "127.0.0.1: 3260",
                                      "-x:3260",
                                      "::1:3260",
                                      "[]:3260",
                                      "[::1:3260",
                                      "a b:3260",
                                      "a/b:3260",
                                      "a@b:3260",
                                      "127.0.0.1:3260\n",
                                      std::string(200, 'a') + ":3260"}) {
    expect_refused(check_portal(bad, "f"), bad);
  }
}

TEST(Names, Tags) {
  EXPECT_TRUE(check_tags({}, "f"));
  EXPECT_TRUE(check_tags({{"env", "test"}, {"a.b_c:d/e-F", ""}, {"x", "gr\xC3\xBC\xC3\x9F"}}, "f"));
  EXPECT_TRUE(check_tags({{std::string(64, 'k'), std::string(256, 'v')}}, "f"));
  for (const std::string& key : Texts{"", "a b", "gr\xC3\xBC", "a\n", std::string(65, 'k')}) {
    expect_refused(check_tags({{key, "v"}}, "f"), key);
  }
  for (const std::string& value : Texts{"a\nb", "\xFF", std::string(257, 'v')}) {
    const auto checked = check_tags({{"env", value}}, "f");
    ASSERT_FALSE(checked) << quote(value);
    EXPECT_EQ(checked.error().field, "f.env");
  }
}

TEST(Names, AtMost32Tags) {
  std::map<std::string, std::string> tags;
  for (int i = 0; i < 32; ++i) tags["key" + std::to_string(i)] = "v";
  EXPECT_TRUE(check_tags(tags, "f"));
  tags["one-more"] = "v";
  const auto checked = check_tags(tags, "f");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message, "must be at most 32 tags, got 33");
}

TEST(Names, IdempotencyKeys) {
  for (const std::string& good : Texts{"a", "!~", "0190-x", std::string(128, 'k')}) {
    EXPECT_TRUE(check_idempotency_key(good)) << good;
  }
  for (const std::string& bad :
       Texts{"", " ", "a b", "a\n", "\x7F", "gr\xC3\xBC", std::string(129, 'k')}) {
    const auto checked = check_idempotency_key(bad);
    ASSERT_FALSE(checked) << quote(bad);
    EXPECT_EQ(checked.error().field, "Idempotency-Key");
  }
}

}  // namespace
}  // namespace vbs
