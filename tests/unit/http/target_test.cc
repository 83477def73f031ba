#include "common/http/target.h"

#include <gtest/gtest.h>

#include "common/http/client.h"

namespace vbs::http {
namespace {

TEST(Target, IsDecodedOnce) {
  const auto target = parse_target("/v1/a%20b/%C3%A4%2525?x=1&y=a%2Fb+c&flag&&z=1=2");
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(target->path, "/v1/a b/\xC3\xA4%25");
  const QueryList expected = {{"x", "1"}, {"y", "a/b+c"}, {"flag", ""}, {"z", "1=2"}};
  EXPECT_EQ(target->query, expected);
}

TEST(Target, TakesEveryFormThatNamesAPath) {
  EXPECT_EQ(parse_target("/")->path, "/");
  EXPECT_EQ(parse_target("*")->path, "*");
  EXPECT_EQ(parse_target("http://host:1/a/b")->path, "/a/b");
  EXPECT_EQ(parse_target("/a//b/")->path, "/a//b/");
  EXPECT_EQ(parse_target("/a/...")->path, "/a/...");
  EXPECT_EQ(parse_target("/a/.b")->path, "/a/.b");
}

TEST(Target, RefusesWhatTwoReadersCouldSeeDifferently) {
  for (const char* raw :
       {"",     "a",    "host:80", "http://host", "https://host/a", "/a%2Fb",    "/a%2fb",
        "/a%",  "/a%2", "/a%zz",   "/a%-1",       "/a%00b",         "/a%0d%0ab", "/a%7f",
        "/.",   "/..",  "/a/./b",  "/a/../b",     "/a/..",          "/%2e%2e/b", "/a/.%2E",
        "/a#b", "/%ff", "/%C0%AF", "/?%00=1",     "/?a=%0a",        "/?a=%f"}) {
    const auto target = parse_target(raw);
    EXPECT_FALSE(target) << raw;
    if (!target) {
      EXPECT_EQ(target.error().code, ErrorCode::invalid_request) << raw;
    }
  }
}

TEST(Target, BoundsTheNumberOfParameters) {
  std::string raw = "/?";
  for (int i = 0; i < 100; ++i) raw += "a=1&";
  EXPECT_TRUE(parse_target(raw));
  EXPECT_FALSE(parse_target(raw + "a=1"));
}

TEST(Target, SurvivesARoundTrip) {
  const std::string path = "/v1/volumes/a b%?#\xC3\xA4~";
  const QueryList query = {{"name", "a&b=c/d+e"}, {"empty", ""}};
  const std::string raw = format_target(path, query);
  EXPECT_EQ(raw, "/v1/volumes/a%20b%25%3F%23%C3%A4~?name=a%26b%3Dc%2Fd%2Be&empty=");
  const auto target = parse_target(raw);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, path);
  EXPECT_EQ(target->query, query);
}

TEST(EndpointText, IsTakenApart) {
  const auto name = Endpoint::parse("http://node-1.example:7001");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "node-1.example");
  EXPECT_EQ(name->port, 7001);
  EXPECT_EQ(name->str(), "http://node-1.example:7001");
  const auto v6 = Endpoint::parse("http://[::1]:7001");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->str(), "http://[::1]:7001");
  const auto plain = Endpoint::parse("http://127.0.0.1");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->port, 80);
}

TEST(EndpointText, SaysWhetherTlsIsSpoken) {
  const auto plain = Endpoint::parse("http://vs1:7710");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->secure);
  const auto secure = Endpoint::parse("https://[fd00::1]:7710");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->secure);
  EXPECT_EQ(secure->host, "fd00::1");
  EXPECT_EQ(secure->str(), "https://[fd00::1]:7710");
  EXPECT_EQ(Endpoint::parse("https://vs1")->port, 443);
}

TEST(EndpointText, IsLoopbackOrNot) {
  for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"", "0.0.0.0", "::", "192.0.2.1", "127.0.0.1.example", "vs1", "fd00::1"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(EndpointText, IsRefusedWithTheReason) {
  for (const char* url : {"",
                          "127.0.0.1:7001",
                          "https://",
                          "https:/a",
                          "HTTPS://a",
                          "http://",
                          "http://:80",
                          "http://a/",
                          "http://a?b",
                          "http://u@a",
                          "http://a:",
                          "http://a:0",
                          "http://a:65536",
                          "http://a:-1",
                          "http://a:1x",
                          "http://[::1",
                          "http://[]",
                          "http://[zz]:1",
                          "http://[::1]7",
                          "http://::1:80",
                          "http://a b",
                          "http://a\r\n"}) {
    const auto endpoint = Endpoint::parse(url);
    ASSERT_FALSE(endpoint) << url;
    EXPECT_EQ(endpoint.error().code, ErrorCode::invalid_field);
    EXPECT_EQ(endpoint.error().field, "endpoint");
  }
}

}  // namespace
}  // namespace vbs::http
