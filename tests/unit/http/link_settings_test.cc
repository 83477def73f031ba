#include "common/http/link_settings.h"

#include <gmock/gmock.h>

#include "common/http/delegate_link.h"

namespace vbs::http {
namespace {

using ::testing::HasSubstr;

const std::string kTls = "[tls]\ncertificate = \"/c\"\nkey = \"/k\"\nca = \"/ca\"\n";

Result<DelegateLink> read(const std::string& text) {
  auto table = config::Table::parse(text);
  if (!table) return fail(table.error());
  DelegateLink link = read_delegate_link(*table, "127.0.0.1:7710");
  if (auto ok = table->finish(); !ok) return fail(ok.error());
  return link;
}

std::string refusal(const std::string& text) {
  const auto link = read(text);
  return link ? "" : link.error().message;
}

std::string listen(const std::string& text) {
  return "listen = \"" + text + "\"\n";
}

TEST(LinkSettings, PlainOnLoopbackByDefault) {
  const auto link = read("");
  ASSERT_TRUE(link) << link.error().message;
  EXPECT_EQ(link->address, "127.0.0.1");
  EXPECT_EQ(link->port, 7710);
  EXPECT_TRUE(link->tls.empty());
}

TEST(LinkSettings, TakesAddressesOfBothKinds) {
  const auto six = read(listen("[::1]:7000"));
  ASSERT_TRUE(six) << six.error().message;
  EXPECT_EQ(six->address, "::1");
  EXPECT_EQ(refusal(listen("127.1.2.3:1")), "");
  EXPECT_EQ(refusal(listen("localhost:1")), "");
  for (const std::string wrong : {"::1:7700", "[::1]", "[127.0.0.1]:7700", "127.0.0.1", ":x", "",
                                  "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:1x", ":7700"}) {
    EXPECT_THAT(refusal(listen(wrong)), HasSubstr("listen")) << wrong;
    EXPECT_THAT(refusal(listen(wrong) + kTls), HasSubstr("listen")) << wrong;
  }
}

TEST(LinkSettings, BeyondLoopbackThereIsTlsOnly) {
  for (const std::string address : {"0.0.0.0:1", "192.0.2.1:1", "[::]:1", "[fd00::1]:1"}) {
    EXPECT_THAT(refusal(listen(address)), HasSubstr("loopback")) << address;
    EXPECT_EQ(refusal(listen(address) + kTls), "") << address;
  }
  EXPECT_THAT(refusal(listen("vs1.example:7710") + kTls), HasSubstr("IPv4 or IPv6 address"));
}

TEST(LinkSettings, AllThreeFilesOrNone) {
  const auto link = read(kTls);
  ASSERT_TRUE(link) << link.error().message;
  EXPECT_EQ(link->tls.certificate_file, "/c");
  EXPECT_EQ(link->tls.key_file, "/k");
  EXPECT_EQ(link->tls.ca_file, "/ca");
  for (const std::string key : {"certificate", "key", "ca"}) {
    EXPECT_NE(refusal("[tls]\n" + key + " = \"/x\"\n"), "");
    std::string others = kTls;
    others.replace(others.find("\n" + key) + 1, key.size(), key + "_");
    EXPECT_THAT(refusal(others), HasSubstr("tls." + key));
  }
  EXPECT_THAT(refusal("[tls]\nverify = false\n"), HasSubstr("tls.verify"));
}

TEST(LinkSettings, NameTheFront) {
  EXPECT_EQ(read(kTls)->front, "vbsd");
  EXPECT_EQ(read(kTls + "front = \"front.example\"\n")->front, "front.example");
  EXPECT_THAT(refusal(kTls + "front = \"\"\n"), HasSubstr("tls.front"));
}

TEST(LinkSettings, FilesAreLookedAtBeforeTheServiceStarts) {
  ServerOptions options;
  const auto applied = apply_link(*read(kTls), options);
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().message, HasSubstr("/ca cannot be read"));
  EXPECT_TRUE(apply_link(*read(listen("127.0.0.2:9")), options));
  EXPECT_EQ(options.address, "127.0.0.2");
  EXPECT_EQ(options.port, 9);
  EXPECT_EQ(options.tls, nullptr);
}

}  // namespace
}  // namespace vbs::http
