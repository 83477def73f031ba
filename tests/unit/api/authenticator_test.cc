#include "api/authenticator.h"

#include <gtest/gtest.h>

#include "common/secret.h"

namespace vbs::api {
namespace {

const std::string kToken = "correct-horse-battery-staple";

http::Request with_header(const std::string& value) {
  http::Request request;
  request.headers.set("Authorization", value);
  return request;
}

TEST(AuthenticatorTest, KnowsTheTokensOfItsFile) {
  const std::string file = "# people\n\nana member web " + sha256_hex(kToken) + "  # since March\n";
  const auto authenticator = Authenticator::from_text(file, "tokens");
  ASSERT_TRUE(authenticator) << authenticator.error().message;
  const auto principal = authenticator->authenticate(with_header("Bearer " + kToken));
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->name, "ana");
  EXPECT_EQ(principal->role, Role::member);
  EXPECT_EQ(principal->project, "web");
  EXPECT_FALSE(principal->may_see("mail"));
}

TEST(AuthenticatorTest, RefusesEverythingElse) {
  const auto authenticator =
      Authenticator::from_text("ana member web " + sha256_hex(kToken), "tokens");
  ASSERT_TRUE(authenticator);
  for (const std::string header : {"Bearer wrong", "Basic YTpi", "", "bearer", "Bearer "}) {
    const auto refused = authenticator->authenticate(with_header(header));
    ASSERT_FALSE(refused) << header;
    EXPECT_EQ(refused.error().code, ErrorCode::unauthenticated);
  }
  EXPECT_FALSE(authenticator->authenticate(http::Request{}));
  EXPECT_FALSE(authenticator->authenticate(with_header("Bearer " + sha256_hex(kToken))));
}

TEST(AuthenticatorTest, NamesTheLineThatIsWrong) {
  const std::string hash = sha256_hex(kToken);
  const std::vector<std::string> wrong = {"ana owner web " + hash, "ana member web short",
                                          "ana member " + hash, "a/b member web " + hash,
                                          "ana member web " + hash + " more"};
  for (const std::string& line : wrong) {
    const auto refused = Authenticator::from_text("# first\n" + line, "tokens");
    ASSERT_FALSE(refused) << line;
    EXPECT_NE(refused.error().message.find("tokens:2"), std::string::npos)
        << refused.error().message;
  }
  EXPECT_FALSE(
      Authenticator::from_text("ana member web " + hash + "\nbob reader web " + hash, "tokens"));
  EXPECT_FALSE(Authenticator::from_text("# nobody\n", "tokens"));
}

TEST(AuthenticatorTest, OpenServiceIsForNoWebPage) {
  const auto asked = [](const std::string& host, const std::string& origin) {
    http::Request request;
    request.headers.set("Host", host);
    if (!origin.empty()) request.headers.set("Origin", origin);
    const auto principal = Authenticator::open_to_all().authenticate(request);
    return principal ? ErrorCode::internal : principal.error().code;
  };
  for (const std::string host :
       {"127.0.0.1:7700", "localhost", "LocalHost:80", "[::1]:7700", "127.8.9.1"}) {
    EXPECT_EQ(asked(host, ""), ErrorCode::internal) << host;
    EXPECT_EQ(asked(host, "http://evil.example"), ErrorCode::forbidden) << host;
    EXPECT_EQ(asked(host, "null"), ErrorCode::forbidden) << host;
  }
  for (const std::string host : {"evil.example:7700", "localhost.evil.example", "", "10.0.0.1",
                                 "localhost:7700/x", "[::1]x7700", "a@localhost"}) {
    EXPECT_EQ(asked(host, ""), ErrorCode::forbidden) << host;
  }
}

TEST(AuthenticatorTest, OpenServiceMakesEverybodyAdmin) {
  const auto principal = Authenticator::open_to_all().authenticate(http::Request{});
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->role, Role::admin);
  EXPECT_TRUE(principal->may_see("any"));
}

}  // namespace
}  // namespace vbs::api
