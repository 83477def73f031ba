#include "common/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace vbs {
namespace {

class SetClock final : public Clock {
 public:
  explicit SetClock(std::int64_t millis) : millis_(millis) {}
  WallTime wall() const override { return from_millis(millis_); }
  MonotonicTime monotonic() const override { return {}; }
  void advance(std::int64_t millis) { millis_ += millis; }

 private:
  std::int64_t millis_;
};

class FillRandom final : public Random {
 public:
  explicit FillRandom(std::uint8_t byte) : byte_(byte) {}
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), byte_); }

 private:
  std::uint8_t byte_;
};

// The example of RFC 9562, appendix A.6, with its random bits all set or all clear.
TEST(Uuid, GenerateFollowsTheLayoutOfVersion7) {
  const SetClock clock(0x017F22E279B0);
  FillRandom ones(0xFF);
  FillRandom zeros(0x00);
  EXPECT_EQ(Uuid::generate(clock, ones).str(), "017f22e2-79b0-7fff-bfff-ffffffffffff");
  EXPECT_EQ(Uuid::generate(clock, zeros).str(), "017f22e2-79b0-7000-8000-000000000000");
}

TEST(Uuid, LaterIsGreaterAlsoAsText) {
  SetClock clock(1'772'366'400'000);
  SystemRandom random;
  Uuid last = Uuid::generate(clock, random);
  for (int i = 0; i < 500; ++i) {
    clock.advance(1);
    const Uuid next = Uuid::generate(clock, random);
    EXPECT_LT(last, next);
    EXPECT_LT(last.str(), next.str());
    last = next;
  }
}

TEST(Uuid, SameMillisecondStillDiffers) {
  const SetClock clock(1'772'366'400'000);
  SystemRandom random;
  std::set<Uuid> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(Uuid::generate(clock, random));
  EXPECT_EQ(ids.size(), 1000U);
}

TEST(Uuid, TextRoundTrip) {
  const SystemClock clock;
  SystemRandom random;
  for (int i = 0; i < 200; ++i) {
    const Uuid id = Uuid::generate(clock, random);
    EXPECT_EQ(Uuid::parse(id.str()), id);
    EXPECT_EQ(Uuid::from_base32(id.base32()), id);
    EXPECT_EQ(id.base32().size(), 26U);
  }
}

TEST(Uuid, ParseTakesEitherCase) {
  const auto lower = Uuid::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  ASSERT_TRUE(lower);
  EXPECT_EQ(Uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), lower);
  EXPECT_EQ(lower->str(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(Uuid, ParseRefusesEverythingElse) {
  const std::string good = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
  const std::vector<std::string> bad{"",
                                     good.substr(1),
                                     good + "0",
                                     " " + good.substr(1),
                                     "{" + good + "}",
                                     "urn:uuid:" + good,
                                     "017f22e279b07cc398c4dc0c0c07398f",
                                     "017f22e2-79b0-7cc3-98c4_dc0c0c07398f",
                                     "017f22e27-9b0-7cc3-98c4-dc0c0c07398f",
                                     "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
                                     "017f22e2-79b0-7cc3-98c4-dc0c0c07398\n",
                                     "------------------------------------"};
  for (const std::string& text : bad) EXPECT_FALSE(Uuid::parse(text)) << text;
}

TEST(Uuid, Base32IsTheAlphabetOfRfc4648) {
  EXPECT_EQ(Uuid{}.base32(), std::string(26, 'a'));
  const auto ones = Uuid::parse("ffffffff-ffff-ffff-ffff-ffffffffffff");
  ASSERT_TRUE(ones);
  EXPECT_EQ(ones->base32(), "7777777777777777777777777" + std::string("4"));
  // base64.b32encode(bytes(range(16))) of Python, in lower case.
  const auto counted = Uuid::parse("00010203-0405-0607-0809-0a0b0c0d0e0f");
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->base32(), "aaaqeayeaudaocajbifqydiob4");
}

TEST(Uuid, Base32RefusesOtherTexts) {
  const std::vector<std::string> bad{"",
                                     std::string(25, 'a'),
                                     std::string(27, 'a'),
                                     std::string(25, 'a') + "b",  // bits behind the 128th
                                     "AAAQEAYEAUDAOCAJBIFQYDIOB4",
                                     std::string(25, 'a') + "1",
                                     std::string(25, 'a') + "="};
  for (const std::string& text : bad) EXPECT_FALSE(Uuid::from_base32(text)) << text;
}

TEST(Uuid, Nil) {
  EXPECT_TRUE(Uuid{}.is_nil());
  EXPECT_EQ(Uuid{}.str(), "00000000-0000-0000-0000-000000000000");
  EXPECT_FALSE(Uuid::parse("00000000-0000-0000-0000-000000000001")->is_nil());
}

}  // namespace
}  // namespace vbs
