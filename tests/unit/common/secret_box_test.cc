#include "common/secret_box.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace vbs {
namespace {

const std::string kKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
const std::string kOtherKey = std::string(64, 'A');

/// Gives out one text again and again.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::string bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<std::uint8_t>(bytes_[i % bytes_.size()]);
  }

 private:
  const std::string bytes_;
};

SecretBox box(const std::string& keys) {
  auto made = SecretBox::from_text(keys);
  EXPECT_TRUE(made) << made.error().message;
  return *made;
}

std::string opened(const SecretBox& box, const std::string& sealed, const std::string& owner) {
  const auto secret = box.open(sealed, owner);
  return secret ? secret->reveal() : "refused";
}

class SecretBoxTest : public testing::Test {
 protected:
  SystemRandom random_;
  const SecretBox box_ = box(kKey + "\n");
  const Secret secret_{"0123456789abcdefghijklmn"};
};

// Test case 16 of "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega, 2005.
TEST_F(SecretBoxTest, IsAes256Gcm) {
  FixedRandom nonce(std::string("\xca\xfe\xba\xbe\xfa\xce\xdb\xad\xde\xca\xf8\x88", 12));
  std::string text;
  for (const char* part : {"\xd9\x31\x32\x25\xf8\x84\x06\xe5\xa5\x59\x09\xc5\xaf\xf5\x26\x9a",
                           "\x86\xa7\xa9\x53\x15\x34\xf7\xda\x2e\x4c\x30\x3d\x8a\x31\x8a\x72",
                           "\x1c\x3c\x0c\x95\x95\x68\x09\x53\x2f\xcf\x0e\x24\x49\xa6\xb5\x25",
                           "\xb1\x6a\xed\xf5\xaa\x0d\xe6\x57\xba\x63\x7b\x39"}) {
    text += part;
  }
  const std::string owner =
      "\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef\xab\xad\xda\xd2";
  EXPECT_EQ(box_.seal(Secret(text), owner, nonce),
            "v1:cafebabefacedbaddecaf888"
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
}

TEST_F(SecretBoxTest, OpensForItsOwnerOnly) {
  const std::string sealed = box_.seal(secret_, "row-1", random_);
  EXPECT_TRUE(SecretBox::is_sealed(sealed));
  EXPECT_EQ(sealed.size(), 59 + 2 * secret_.reveal().size());
  EXPECT_EQ(opened(box_, sealed, "row-1"), secret_.reveal());
  EXPECT_EQ(opened(box_, sealed, "row-2"), "refused");
  EXPECT_EQ(opened(box(kOtherKey), sealed, "row-1"), "refused");
}

TEST_F(SecretBoxTest, NoTwoAreAlike) {
  EXPECT_NE(box_.seal(secret_, "row-1", random_), box_.seal(secret_, "row-1", random_));
}

TEST_F(SecretBoxTest, AChangedOneDoesNotOpen) {
  const std::string sealed = box_.seal(secret_, "row-1", random_);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_EQ(opened(box_, changed, "row-1"), "refused") << i;
    EXPECT_EQ(opened(box_, sealed.substr(0, i), "row-1"), "refused") << i;
  }
  EXPECT_EQ(opened(box_, sealed + "00", "row-1"), "refused");
  EXPECT_EQ(opened(box_, secret_.reveal(), "row-1"), "refused");
}

TEST_F(SecretBoxTest, TheFirstKeySealsAndAllOpen) {
  const SecretBox both = box(kOtherKey + "\r\n\n" + kKey + "  \n");
  EXPECT_TRUE(both.has_older_keys());
  EXPECT_FALSE(box_.has_older_keys());
  EXPECT_EQ(opened(both, box_.seal(secret_, "row-1", random_), "row-1"), secret_.reveal());
  const std::string sealed = both.seal(secret_, "row-1", random_);
  EXPECT_EQ(opened(box(kOtherKey), sealed, "row-1"), secret_.reveal());
  EXPECT_EQ(opened(box_, sealed, "row-1"), "refused");
}

TEST_F(SecretBoxTest, KeyFilesAreReadStrictly) {
  for (const std::string& text :
       {std::string(), std::string("\n \n"), kKey.substr(1), kKey + "0", kKey + "00",
        kKey + " " + kKey, "x" + kKey.substr(1), kKey + "\nkey\n"}) {
    EXPECT_FALSE(SecretBox::from_text(text)) << text;
  }
  const auto refused = SecretBox::from_text("x" + kKey.substr(1));
  EXPECT_EQ(refused.error().message.find(kKey.substr(1)), std::string::npos);
}

TEST_F(SecretBoxTest, NewKeysAreKeys) {
  const Secret text = SecretBox::new_key_text(random_);
  EXPECT_EQ(text.reveal().size(), 65U);
  EXPECT_TRUE(SecretBox::from_text(text.reveal()));
  EXPECT_NE(text, SecretBox::new_key_text(random_));
}

}  // namespace
}  // namespace vbs
