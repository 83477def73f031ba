#include "common/text.h"

#include <gtest/gtest.h>

#include <vector>

namespace vbs {
namespace {

const std::vector<std::string> kGood{
    "",
    "plain",
    std::string("nul \0 inside", 12),
    "gr\xC3\xBC\xC3\x9F",
    "\xE2\x82\xAC",
    "\xF0\x9F\x92\xBE",
    "\xEF\xBF\xBF",
    "\xED\x9F\xBF",      // U+D7FF, the last before the surrogates
    "\xEE\x80\x80",      // U+E000, the first after them
    "\xF4\x8F\xBF\xBF",  // U+10FFFF
};

const std::vector<std::string> kBad{
    "\x80",              // continuation without a lead
    "\xFF",              //
    "\xC3",              // cut short
    "\xE2\x82",          //
    "\xF0\x9F\x92",      //
    "\xC0\xAF",          // '/' in two bytes
    "\xC1\xBF",          //
    "\xE0\x80\xAF",      // '/' in three
    "\xF0\x80\x80\xAF",  // '/' in four
    "\xED\xA0\x80",      // U+D800
    "\xED\xBF\xBF",      // U+DFFF
    "\xF4\x90\x80\x80",  // U+110000
    "\xF5\x80\x80\x80",  //
    "a\xE2\x28\xA1z",    // lead, then no continuation
};

TEST(Text, IsUtf8) {
  for (const std::string& text : kGood) EXPECT_TRUE(is_utf8(text)) << text;
  for (const std::string& text : kBad) EXPECT_FALSE(is_utf8(text)) << quote(text);
}

TEST(Text, ToUtf8KeepsWhatIsGoodAndMarksTheRest) {
  for (const std::string& text : kGood) EXPECT_EQ(to_utf8(text), text);
  for (const std::string& text : kBad) EXPECT_TRUE(is_utf8(to_utf8(text)));
  EXPECT_EQ(to_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(to_utf8("\xC3"), "\xEF\xBF\xBD");
}

TEST(Text, PrintableHasNoControlsAndNoSeparators) {
  EXPECT_TRUE(is_printable_utf8("gr\xC3\xBC\xC3\x9F dich"));
  EXPECT_TRUE(is_printable_utf8("\xC2\xA0"));  // U+00A0, the first after C1
  for (const std::string& text :
       {std::string("a\nb"), std::string("\t"), std::string(1, '\0'), std::string("\x7F"),
        std::string("\x1B[31m"), std::string("\xC2\x85"), std::string("\xC2\x9F"),
        std::string("\xE2\x80\xA8"), std::string("\xE2\x80\xA9"), std::string("\xFF")}) {
    EXPECT_FALSE(is_printable_utf8(text)) << quote(text);
  }
}

TEST(Text, PrintableIsCutAndPrints) {
  EXPECT_EQ(printable("", 3), "");
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_EQ(printable("abcd", 3), "abc...");
  EXPECT_EQ(printable("a\x1B\xC2\x9B\n\xFF", 9), "a????");
}

TEST(Text, QuotedIsShortAndPrints) {
  EXPECT_EQ(quote(""), "\"\"");
  EXPECT_EQ(quote("vol"), "\"vol\"");
  EXPECT_EQ(quote("a\nb\x1B\xFFz"), "\"a?b??z\"");
  EXPECT_EQ(quote(std::string(40, 'x')), "\"" + std::string(40, 'x') + "\"");
  EXPECT_EQ(quote(std::string(41, 'x')), "\"" + std::string(40, 'x') + "...\"");
  std::string wide;
  for (int i = 0; i < 50; ++i) wide += "\xE2\x82\xAC";
  EXPECT_EQ(quote(wide), "\"" + wide.substr(0, 120) + "...\"");
}

}  // namespace
}  // namespace vbs
