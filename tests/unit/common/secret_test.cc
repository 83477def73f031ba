#include "common/secret.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "common/log.h"

namespace vbs {
namespace {

// A secret gets nowhere by accident.
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_constructible_v<log::Field, std::string_view, Secret>);

TEST(Secret, HoldsItsText) {
  const Secret secret("geheim");
  EXPECT_EQ(secret.reveal(), "geheim");
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
}

TEST(Secret, CopiesAndCompares) {
  const Secret one("geheim");
  Secret two = one;
  EXPECT_EQ(one, two);
  two = Secret("anders");
  EXPECT_NE(one, two);
  two = one;
  EXPECT_EQ(two.reveal(), "geheim");
  const Secret& self = two;
  two = self;
  EXPECT_EQ(two.reveal(), "geheim");
}

TEST(Secret, MovingLeavesNothingBehind) {
  // Short enough to lie inside the string object, where a move copies.
  Secret from("geheim");
  const char* const old = from.reveal().data();
  const Secret to = std::move(from);
  EXPECT_EQ(to.reveal(), "geheim");
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(std::string(old, 6), std::string(6, '\0'));
}

TEST(Secret, MoveAssignmentLeavesNothingBehind) {
  Secret from("geheim");
  Secret to("vorher");
  const char* const old = from.reveal().data();
  to = std::move(from);
  EXPECT_EQ(to.reveal(), "geheim");
  EXPECT_EQ(std::string(old, 6), std::string(6, '\0'));
}

TEST(Secret, OverwritingWipesALongerText) {
  Secret secret("geheim und lang");
  const char* const old = secret.reveal().data();
  secret = Secret("x");
  EXPECT_EQ(secret.reveal(), "x");
  EXPECT_EQ(std::string(old + 2, 13), std::string(13, '\0'));
}

TEST(Secret, ConstantTimeEqual) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "abcd"));
  EXPECT_FALSE(constant_time_equal("abc", ""));
  EXPECT_FALSE(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

// The examples of FIPS 180-4 that NIST publishes.
TEST(Secret, Sha256) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

}  // namespace
}  // namespace vbs
