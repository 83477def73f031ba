#include "common/secret_file.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "tests/unit/common/support.h"

namespace vbs {
namespace {

class SecretFileTest : public testing::Test {
 protected:
  Result<Secret> read(const std::string& text, unsigned mode = 0600) {
    EXPECT_TRUE(write_file_durably(dir_.path("token"), text, mode));
    return read_secret_file(dir_.path("token"), "token_file");
  }
  void expect_refused(const Result<Secret>& secret, const std::string& word) {
    ASSERT_FALSE(secret) << secret->reveal();
    EXPECT_EQ(secret.error().code, ErrorCode::invalid_field);
    EXPECT_NE(secret.error().message.find("token_file " + dir_.path()), std::string::npos)
        << secret.error().message;
    EXPECT_NE(secret.error().message.find(word), std::string::npos) << secret.error().message;
  }
  const test::TempDir dir_;
};

TEST_F(SecretFileTest, HoldsOneWord) {
  for (const char* end : {"", "\n", "\r\n", " \n\n"}) {
    const auto secret = read(std::string("0123456789abcdef") + end);
    ASSERT_TRUE(secret) << secret.error().message;
    EXPECT_EQ(secret->reveal(), "0123456789abcdef");
  }
}

TEST_F(SecretFileTest, MustBePrivateAndLong) {
  expect_refused(read("0123456789abcdef", 0640), "chmod 600");
  expect_refused(read("0123456789abcdef", 0604), "chmod 600");
  expect_refused(read("0123456789abcde"), "at least 16");
  expect_refused(read("0123456789abcde   "), "at least 16");
  expect_refused(read("0123456789 abcdef"), "one word");
  expect_refused(read("0123456789abcdef\nsecond"), "one word");
  expect_refused(read("0123456789abcdef\x7f"), "printable");
  expect_refused(read_secret_file(dir_.path("missing"), "token_file"), "cannot read");
}

}  // namespace
}  // namespace vbs
