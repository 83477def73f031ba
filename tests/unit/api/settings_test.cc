#include "api/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace vbs::api {
namespace {

using testing::HasSubstr;

const std::string kLeast = "database = \"/x/vbs.db\"\nservice_token_file = \"/x/token\"\n";

Result<Settings> load(const std::string& text) {
  const std::string path = testing::TempDir() + "vbs-settings-" + std::to_string(getpid());
  std::ofstream(path) << text;
  auto settings = load_settings(path);
  ::unlink(path.c_str());
  return settings;
}

std::string refusal(const std::string& text) {
  const auto settings = load(text);
  return settings ? "" : describe(settings.error());
}

TEST(SettingsTest, DefaultsServeLoopback) {
  const auto settings = load(kLeast);
  ASSERT_TRUE(settings) << describe(settings.error());
  EXPECT_EQ(settings->server.address, "127.0.0.1");
  EXPECT_EQ(settings->server.port, 7700);
  EXPECT_EQ(settings->idempotency_kept, std::chrono::hours(24));
  EXPECT_EQ(settings->operations_kept, std::chrono::hours(7 * 24));
}

TEST(SettingsTest, TheKeyOfTheDatabaseMayStandElsewhere) {
  EXPECT_EQ(load(kLeast)->database_key_file, "");
  EXPECT_EQ(load("database_key_file = \"/y/key\"\n" + kLeast)->database_key_file, "/y/key");
}

TEST(SettingsTest, AddressesOfBothKinds) {
  const auto six = load("listen = \"[::1]:7801\"\n" + kLeast);
  ASSERT_TRUE(six) << describe(six.error());
  EXPECT_EQ(six->server.address, "::1");
  EXPECT_EQ(six->server.port, 7801);
  for (const std::string wrong : {"::1:7700", "[::1]", "[127.0.0.1]:7700", "127.0.0.1", ":x", "",
                                  "127.0.0.1:0", "127.0.0.1:65536"}) {
    EXPECT_THAT(refusal("listen = \"" + wrong + "\"\n" + kLeast), HasSubstr("listen")) << wrong;
  }
}

TEST(SettingsTest, DelegatesBeyondLoopbackAreReachedByHttps) {
  const auto node = [](const std::string& url) {
    return "[[volume_server]]\nname = \"vs1\"\nurl = \"" + url + "\"\n";
  };
  const std::string tls = "[tls]\ncertificate = \"/c\"\nkey = \"/k\"\nca = \"/ca\"\n";
  EXPECT_EQ(refusal(kLeast + node("http://127.0.0.1:7710")), "");
  EXPECT_EQ(refusal(kLeast + node("http://localhost:7710")), "");
  EXPECT_THAT(refusal(kLeast + node("http://192.0.2.1:7710")), HasSubstr("https://"));
  EXPECT_THAT(refusal(kLeast + node("http://vs1:7710")), HasSubstr("https://"));
  EXPECT_THAT(refusal(kLeast + node("https://vs1:7710")), HasSubstr("[tls]"));
  const auto settings = load(kLeast + node("https://vs1:7710") + tls);
  ASSERT_TRUE(settings) << describe(settings.error());
  EXPECT_TRUE(settings->nodes[0].endpoint.secure);
  EXPECT_EQ(settings->tls.key_file, "/k");
}

TEST(SettingsTest, TimesThatMustPassAreLongerThanZero) {
  for (const std::string key : {"sweep_interval", "node_poll_interval", "node_poll_timeout"}) {
    EXPECT_THAT(refusal(key + " = \"0ms\"\n" + kLeast), HasSubstr(key));
  }
  for (const std::string key :
       {"attach", "detach", "create", "copy", "modify", "delete", "repair", "lease_margin"}) {
    EXPECT_THAT(refusal(kLeast + "[deadlines]\n" + key + " = \"0s\"\n"), HasSubstr(key));
  }
  EXPECT_EQ(refusal(kLeast + "[deadlines]\nlongest_pause = \"0s\"\n"), "");  // never pause
}

TEST(SettingsTest, NoGuestMayBeHeldForLongerThanALeaseLasts) {
  EXPECT_THAT(refusal(kLeast + "[deadlines]\nlongest_pause = \"10min\"\n"),
              HasSubstr("lease_margin"));
}

}  // namespace
}  // namespace vbs::api
