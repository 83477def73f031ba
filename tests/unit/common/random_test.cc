#include "common/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

namespace vbs {
namespace {

/// Gives the bytes of a list, over and over.
class ListedRandom final : public Random {
 public:
  explicit ListedRandom(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = bytes_[at_++ % bytes_.size()];
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

TEST(Random, AlphanumericHasLengthAndAlphabet) {
  SystemRandom random;
  for (const std::size_t length : {0U, 1U, 16U, 64U, 1000U}) {
    const std::string text = random.alphanumeric(length);
    EXPECT_EQ(text.size(), length);
    EXPECT_TRUE(std::all_of(text.begin(), text.end(),
                            [](unsigned char c) { return std::isalnum(c) != 0; }));
  }
}

TEST(Random, AlphanumericUsesTheWholeAlphabet) {
  SystemRandom random;
  const std::string text = random.alphanumeric(10'000);
  EXPECT_EQ(std::set<char>(text.begin(), text.end()).size(), 62U);
}

TEST(Random, BytesThatWouldBiasAreDrawnAgain) {
  ListedRandom random({255, 0, 248, 61, 250, 62, 247});
  EXPECT_EQ(random.alphanumeric(4), "A9A9");
}

TEST(Random, NextTakesEightBytes) {
  ListedRandom random({1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255});
  EXPECT_EQ(random.next(), 1U);
  EXPECT_EQ(random.next(), ~std::uint64_t{0});
}

TEST(Random, TheSystemFillsLargeBuffersAndDoesNotRepeat) {
  SystemRandom random;
  std::vector<std::uint8_t> bytes(1 << 20);
  random.fill(bytes);
  const std::set<std::uint8_t> values(bytes.end() - 8192, bytes.end());
  EXPECT_GT(values.size(), 250U);

  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) numbers.insert(random.next());
  EXPECT_EQ(numbers.size(), 1000U);
}

}  // namespace
}  // namespace vbs
